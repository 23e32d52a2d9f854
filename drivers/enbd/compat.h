/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that makes one source fit kernels 6.1 to 7.2. What a kernel
 * offers is found by compiling, see compat/; the logic has no conditions.
 */
#ifndef ENBD_COMPAT_H
#define ENBD_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat_have.h"

/* 7.2 wants one of PERCPU and UNBOUND said */
#ifndef HAVE_WQ_PERCPU
#define WQ_PERCPU 0
#endif

#ifndef HAVE_BLK_MQ_F_SHOULD_MERGE
#define ENBD_BLK_MQ_F_SHOULD_MERGE 0
#else
#define ENBD_BLK_MQ_F_SHOULD_MERGE BLK_MQ_F_SHOULD_MERGE
#endif

/* "the request makes no sense to the device" has a status of its own later */
#ifdef BLK_STS_INVAL
#define ENBD_BLK_STS_INVAL BLK_STS_INVAL
#else
#define ENBD_BLK_STS_INVAL BLK_STS_NOTSUPP
#endif

#ifndef HAVE_SENDPAGES_OK
static inline bool sendpages_ok(struct page *page, size_t len, size_t offset)
{
	struct page *p = page + (offset >> PAGE_SHIFT);
	size_t count = 0;

	while (count < len) {
		if (!sendpage_ok(p))
			return false;
		p++;
		count += PAGE_SIZE - offset_in_page(offset + count);
	}
	return true;
}
#endif

#ifdef HAVE_SK_USE_TASK_FRAG
static inline void enbd_sk_no_task_frag(struct sock *sk)
{
	sk->sk_use_task_frag = false;
}
#else
static inline void enbd_sk_no_task_frag(struct sock *sk)
{
}
#endif

/*
 * ENBD_MSG_SPLICE: the socket refers to the pages instead of copying them.
 * 6.1 has kernel_sendpage() for that, one page a call.
 */
#ifdef HAVE_TCP_SPLICE_PAGES
#define ENBD_MSG_SPLICE MSG_SPLICE_PAGES

static inline int enbd_sock_sendmsg(struct socket *sock, struct msghdr *msg)
{
	return sock_sendmsg(sock, msg);
}
#else
#define ENBD_MSG_SPLICE BIT(30)

static inline int enbd_sock_sendmsg(struct socket *sock, struct msghdr *msg)
{
	const struct bio_vec *bv = msg->msg_iter.bvec;
	size_t skip = msg->msg_iter.iov_offset;
	size_t left = iov_iter_count(&msg->msg_iter);
	int flags = msg->msg_flags & ~ENBD_MSG_SPLICE;
	int sent = 0;

	if (!(msg->msg_flags & ENBD_MSG_SPLICE))
		return sock_sendmsg(sock, msg);
	while (left) {
		size_t at = bv->bv_offset + skip;
		size_t len = min3(left, bv->bv_len - skip,
				  PAGE_SIZE - offset_in_page(at));
		int more = len < left ? MSG_MORE | MSG_SENDPAGE_NOTLAST : 0;
		int ret = kernel_sendpage(sock,
					  bv->bv_page + (at >> PAGE_SHIFT),
					  offset_in_page(at), len,
					  flags | more);

		if (ret <= 0)
			return sent ? sent : ret;
		sent += ret;
		left -= ret;
		skip += ret;
		if (skip == bv->bv_len) {
			bv++;
			skip = 0;
		}
	}
	return sent;
}
#endif

/* The attributes that a dump was asked for with, or NULL. */
static inline struct nlattr **enbd_dump_attrs(struct netlink_callback *cb)
{
#ifdef HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/**
 * struct enbd_limits - what the server demands, for every kernel's way to say
 * @block_min:  logical block size, bytes
 * @block_phys: physical block size, bytes
 * @io_opt:     preferred size of a request, bytes
 * @max_sectors: most data in a request, 512-byte sectors
 * @discard_sectors: most in a discard, 0 if there is none
 * @zeroes_sectors:  most in a write-zeroes, 0 if there is none
 * @write_cache: flush is needed
 * @fua: writes may ask to be durable
 * @rotational: seeks cost
 */
struct enbd_limits {
	u32 block_min;
	u32 block_phys;
	u32 io_opt;
	u32 max_sectors;
	u32 discard_sectors;
	u32 zeroes_sectors;
	bool write_cache;
	bool fua;
	bool rotational;
};

#ifdef HAVE_BLK_FEAT
static inline struct gendisk *enbd_alloc_disk(struct blk_mq_tag_set *set,
					      const struct enbd_limits *l,
					      void *data)
{
	struct queue_limits lim = {
		.logical_block_size = l->block_min,
		.physical_block_size = l->block_phys,
		.io_min = l->block_phys,
		.io_opt = l->io_opt,
		.max_hw_sectors = l->max_sectors,
		.max_segments = USHRT_MAX,
		.max_segment_size = UINT_MAX,
		.max_hw_discard_sectors = l->discard_sectors,
		.discard_granularity = l->discard_sectors ? l->block_phys : 0,
		.max_write_zeroes_sectors = l->zeroes_sectors,
	};

	if (l->write_cache)
		lim.features |= BLK_FEAT_WRITE_CACHE;
	if (l->fua)
		lim.features |= BLK_FEAT_FUA;
	if (l->rotational)
		lim.features |= BLK_FEAT_ROTATIONAL;
	return blk_mq_alloc_disk(set, &lim, data);
}
#else
static inline struct gendisk *enbd_alloc_disk(struct blk_mq_tag_set *set,
					      const struct enbd_limits *l,
					      void *data)
{
	struct gendisk *disk = blk_mq_alloc_disk(set, data);
	struct request_queue *q;

	if (IS_ERR(disk))
		return disk;
	q = disk->queue;
	blk_queue_logical_block_size(q, l->block_min);
	blk_queue_physical_block_size(q, l->block_phys);
	blk_queue_io_min(q, l->block_phys);
	blk_queue_io_opt(q, l->io_opt);
	blk_queue_max_hw_sectors(q, l->max_sectors);
	blk_queue_max_segments(q, USHRT_MAX);
	blk_queue_max_segment_size(q, UINT_MAX);
	blk_queue_max_discard_sectors(q, l->discard_sectors);
	q->limits.discard_granularity = l->discard_sectors ? l->block_phys : 0;
	blk_queue_max_write_zeroes_sectors(q, l->zeroes_sectors);
	blk_queue_write_cache(q, l->write_cache, l->fua);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, q);
	if (!l->rotational)
		blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	return disk;
}
#endif

/* What .open is given has changed in 6.5 */
#ifdef HAVE_BLK_MODE_T
#define ENBD_OPEN_ARGS struct gendisk *disk, blk_mode_t mode
#define ENBD_OPEN_DISK disk
#else
#define ENBD_OPEN_ARGS struct block_device *bdev, fmode_t mode
#define ENBD_OPEN_DISK bdev->bd_disk
#endif

#endif /* ENBD_COMPAT_H */
