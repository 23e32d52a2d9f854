// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "disk.h"

#include <linux/log2.h>
#include <linux/module.h>

#include "compat.h"
#include "device.h"
#include "sysfs.h"

/* NBD, "Block size constraints": what holds when the server said nothing */
#define ENBD_DEFAULT_PAYLOAD	(32 * 1024 * 1024)

/*
 * Most in one request that carries no data. Without extended headers lengths
 * have 32 bits; a server that writes zeroes by hand must still be done before
 * anyone gives up on it.
 */
#define ENBD_MAX_TRIM		(1024 * 1024 * 1024)
#define ENBD_MAX_ZEROES		(128 * 1024 * 1024)

/*
 * A flush, or zeroes written by hand, takes a disk much longer than a read or
 * a write into its cache: so many times the I/O timeout.
 */
#define ENBD_SLOW_FACTOR	10

/* When nothing is said, the block layer looks at requests this often */
#define ENBD_LOOK_MS		30000

/* Fill in what the server is asked for. */
static blk_status_t disk_translate(struct enbd_device *dev, struct request *rq,
				   struct enbd_io *io)
{
	struct enbd_wire_request *wire = &io->wire;

	wire->offset = blk_rq_pos(rq) << SECTOR_SHIFT;
	wire->length = blk_rq_bytes(rq);
	wire->flags = 0;
	switch (req_op(rq)) {
	case REQ_OP_READ:
		wire->type = ENBD_CMD_READ;
		return BLK_STS_OK;
	case REQ_OP_WRITE:
		wire->type = ENBD_CMD_WRITE;
		break;
	case REQ_OP_FLUSH:
		wire->type = ENBD_CMD_FLUSH;
		wire->offset = 0;
		wire->length = 0;
		return BLK_STS_OK;
	case REQ_OP_DISCARD:
		wire->type = ENBD_CMD_TRIM;
		break;
	case REQ_OP_WRITE_ZEROES:
		wire->type = ENBD_CMD_WRITE_ZEROES;
		if (rq->cmd_flags & REQ_NOUNMAP)
			wire->flags |= ENBD_CMD_FLAG_NO_HOLE;
		break;
	default:
		return BLK_STS_NOTSUPP;
	}
	if (rq->cmd_flags & REQ_FUA &&
	    dev->config.flags & ENBD_FLAG_SEND_FUA)
		wire->flags |= ENBD_CMD_FLAG_FUA;
	return BLK_STS_OK;
}

static blk_status_t disk_queue_rq(struct blk_mq_hw_ctx *hctx,
				  const struct blk_mq_queue_data *bd)
{
	struct enbd_device *dev = hctx->queue->queuedata;
	struct enbd_io *io;
	blk_status_t status;

	io = enbd_io_of(&dev->session.led, hctx->queue_num, bd->rq);
	status = disk_translate(dev, bd->rq, io);
	if (status != BLK_STS_OK)
		return status;
	blk_mq_start_request(bd->rq);
	enbd_io_begin(&dev->session.led, io, bd->rq);
	enbd_session_submit(&dev->session, hctx->queue_num, io, bd->last);
	return BLK_STS_OK;
}

static void disk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct enbd_device *dev = hctx->queue->queuedata;

	enbd_session_commit(&dev->session, hctx->queue_num);
}

static void disk_complete(struct request *rq)
{
	blk_mq_end_request(rq, enbd_rq_pdu(rq)->status);
}

/* A timeout only starts recovery; the request is never given up here. */
static enum blk_eh_timer_return disk_timeout(struct request *rq)
{
	struct enbd_device *dev = rq->q->queuedata;
	u32 ms = READ_ONCE(dev->config.io_timeout);
	unsigned int queue = blk_mq_unique_tag_to_hwq(blk_mq_unique_tag(rq));
	struct enbd_io *io;

	io = enbd_io_of(&dev->session.led, queue, rq);
	if (req_op(rq) != REQ_OP_READ &&
	    (req_op(rq) != REQ_OP_WRITE || rq->cmd_flags & REQ_FUA))
		ms = min_t(u64, (u64)ms * ENBD_SLOW_FACTOR, U32_MAX);
	rq->timeout = ms ? enbd_session_timeout(&dev->session, io, ms) :
			   msecs_to_jiffies(ENBD_LOOK_MS);
	return BLK_EH_RESET_TIMER;
}

static const struct blk_mq_ops disk_mq_ops = {
	.queue_rq = disk_queue_rq,
	.commit_rqs = disk_commit_rqs,
	.complete = disk_complete,
	.timeout = disk_timeout,
};

static int disk_open(ENBD_OPEN_ARGS)
{
	struct enbd_device *dev = ENBD_OPEN_DISK->private_data;

	return test_bit(ENBD_DEVICE_DELETING, &dev->bits) ? -ENXIO : 0;
}

static void disk_free_disk(struct gendisk *disk)
{
	enbd_device_put(disk->private_data);
}

static const struct block_device_operations disk_fops = {
	.owner = THIS_MODULE,
	.open = disk_open,
	.free_disk = disk_free_disk,
};

/* NBD, "Block size constraints" to the block layer's limits. */
static void disk_limits(const struct enbd_device *dev, struct enbd_limits *l)
{
	const struct enbd_device_config *c = &dev->config;
	u32 max = min_t(u32, c->block_max ?: ENBD_DEFAULT_PAYLOAD,
			ENBD_DEFAULT_PAYLOAD);

	l->block_min = max_t(u32, c->block_min, SECTOR_SIZE);
	l->block_phys = clamp_t(u32, c->block_pref, l->block_min, PAGE_SIZE);
	l->io_opt = c->block_pref > l->block_phys ? c->block_pref : 0;
	l->max_sectors = round_down(max, PAGE_SIZE) >> SECTOR_SHIFT;
	if (c->flags & ENBD_FLAG_SEND_TRIM)
		l->discard_sectors = ENBD_MAX_TRIM >> SECTOR_SHIFT;
	if (c->flags & ENBD_FLAG_SEND_WRITE_ZEROES)
		l->zeroes_sectors = ENBD_MAX_ZEROES >> SECTOR_SHIFT;
	l->write_cache = c->flags & ENBD_FLAG_SEND_FLUSH;
	l->fua = l->write_cache && c->flags & ENBD_FLAG_SEND_FUA;
	l->rotational = c->flags & ENBD_FLAG_ROTATIONAL;
}

/* Whole blocks of the size; the rest of the export cannot be reached. */
static sector_t disk_sectors(const struct enbd_device *dev)
{
	u64 block = max_t(u32, dev->config.block_min, SECTOR_SIZE);

	return round_down(dev->size, block) >> SECTOR_SHIFT;
}

/**
 * enbd_disk_alloc() - make the tag set and the disk, invisible
 * @dev: with its configuration and session
 *
 * Context: may sleep. Return: 0 or an error.
 */
int enbd_disk_alloc(struct enbd_device *dev)
{
	struct blk_mq_tag_set *set = &dev->tag_set;
	struct enbd_limits limits = {};
	struct gendisk *disk;
	int err;

	set->ops = &disk_mq_ops;
	set->nr_hw_queues = dev->config.hw_queues;
	set->queue_depth = dev->config.depth;
	set->numa_node = NUMA_NO_NODE;
	set->cmd_size = sizeof(struct enbd_rq_pdu);
	set->flags = ENBD_BLK_MQ_F_SHOULD_MERGE | BLK_MQ_F_BLOCKING;
	set->timeout = msecs_to_jiffies(dev->config.io_timeout ?: ENBD_LOOK_MS);
	err = blk_mq_alloc_tag_set(set);
	if (err)
		return err;

	disk_limits(dev, &limits);
	disk = enbd_alloc_disk(set, &limits, dev);
	if (IS_ERR(disk)) {
		blk_mq_free_tag_set(set);
		return PTR_ERR(disk);
	}
	dev->disk = disk;
	disk->fops = &disk_fops;
	disk->private_data = dev;
	strscpy(disk->disk_name, dev->name, DISK_NAME_LEN);
	set_capacity(disk, disk_sectors(dev));
	if (dev->config.read_only || dev->config.flags & ENBD_FLAG_READ_ONLY)
		set_disk_ro(disk, true);
	return 0;
}

/**
 * enbd_disk_put() - the device has a disk no longer
 * @dev: its disk was never shown, or is hidden
 *
 * Others may have it yet. A disk that was never shown needs its tag set until the
 * last of them lets go, so that stays until nobody has the device.
 */
void enbd_disk_put(struct enbd_device *dev)
{
	struct gendisk *disk = dev->disk;

	mutex_lock(&dev->lock);
	dev->disk = NULL;
	mutex_unlock(&dev->lock);
	put_disk(disk);
}

/**
 * enbd_disk_free() - undo enbd_disk_alloc()
 * @dev: nobody has it any more, nor its disk
 *
 * Context: may sleep.
 */
void enbd_disk_free(struct enbd_device *dev)
{
	blk_mq_free_tag_set(&dev->tag_set);
}

/**
 * enbd_disk_get() - the disk, if there still is one
 * @dev: the device
 *
 * Context: process. Return: the disk with a reference, for put_disk() before
 * that to the device is given back, or NULL.
 */
struct gendisk *enbd_disk_get(struct enbd_device *dev)
{
	struct gendisk *disk;

	mutex_lock(&dev->lock);
	disk = dev->disk;
	if (disk)
		get_device(disk_to_dev(disk));
	mutex_unlock(&dev->lock);
	return disk;
}

/**
 * enbd_disk_show() - make the disk visible
 * @dev: the device; a reference for the disk is the caller's gift
 *
 * Reads the partitions, so it waits for the server.
 *
 * Context: process. Return: 0 or an error, then the reference was not used.
 */
int enbd_disk_show(struct enbd_device *dev)
{
	return device_add_disk(NULL, dev->disk, enbd_sysfs_groups);
}

/**
 * enbd_disk_hide() - undo enbd_disk_show()
 * @dev: the device, nobody may open it any more
 *
 * Data that the server has acknowledged are made durable first, unless the
 * device is removed by force. Waits for the server, or for the session to be
 * failed.
 *
 * Context: process.
 */
void enbd_disk_hide(struct enbd_device *dev)
{
	if (test_bit(ENBD_DEVICE_FORCED, &dev->bits))
		blk_mark_disk_dead(dev->disk);
	else if (!get_disk_ro(dev->disk) &&
		 blkdev_issue_flush(dev->disk->part0))
		pr_err("%s: removed, but the last flush failed: data written since the one before may be lost\n",
		       dev->name);
	del_gendisk(dev->disk);
}

/**
 * enbd_disk_set_size() - tell everybody about dev->size
 * @dev: the device, its lock held
 */
void enbd_disk_set_size(struct enbd_device *dev)
{
	if (!dev->disk)
		return;
	set_capacity_and_notify(dev->disk, disk_sectors(dev));
}

/**
 * enbd_disk_set_timeout() - make the block layer use config.io_timeout
 * @dev: the device, its lock held
 */
void enbd_disk_set_timeout(struct enbd_device *dev)
{
	u32 ms = dev->config.io_timeout ?: ENBD_LOOK_MS;

	if (!dev->disk)
		return;
	blk_queue_rq_timeout(dev->disk->queue, msecs_to_jiffies(ms));
}
