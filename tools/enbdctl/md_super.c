// SPDX-License-Identifier: GPL-2.0
#include "md_super.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/raid/md_p.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* As the kernel has it: sum of all words but itself, folded once */
static uint32_t checksum(const struct mdp_superblock_1 *sb, size_t size)
{
	const uint8_t *p = (const uint8_t *)sb;
	uint64_t sum = 0;
	uint32_t word;
	uint16_t half;

	for (; size >= 4; size -= 4, p += 4) {
		memcpy(&word, p, 4);
		sum += le32toh(word);
	}
	if (size == 2) {
		memcpy(&half, p, 2);
		sum += le16toh(half);
	}
	sum -= le32toh(sb->sb_csum);
	return (uint32_t)((sum & 0xffffffff) + (sum >> 32));
}

/* The offset has a sign: format 1.0 may have the bitmap before the superblock. */
static uint64_t bitmap_sector(const struct mdp_superblock_1 *sb,
			      uint64_t sector)
{
	const int64_t offset = (int32_t)le32toh(sb->bitmap_offset);

	if (!(le32toh(sb->feature_map) & MD_FEATURE_BITMAP_OFFSET) ||
	    (offset < 0 && (uint64_t)-offset >= sector))
		return 0;
	return sector + (uint64_t)offset;
}

const char *md_super_parse(const void *data, uint64_t sector,
			   struct md_super *super)
{
	const struct mdp_superblock_1 *sb = data;
	const uint32_t max_dev = le32toh(sb->max_dev);
	const uint32_t number = le32toh(sb->dev_number);
	uint32_t i, role;

	memset(super, 0, sizeof(*super));
	if (le32toh(sb->magic) != MD_SB_MAGIC || le32toh(sb->major_version) != 1)
		return "no superblock of md's format 1";
	if (le64toh(sb->super_offset) != sector)
		return "a superblock that belongs elsewhere";
	if (max_dev > MD_SLOTS_MAX ||
	    le64toh(sb->data_offset) > INT64_MAX / 512 ||
	    checksum(sb, sizeof(*sb) + max_dev * 2) != le32toh(sb->sb_csum))
		return "its superblock is damaged";
	memcpy(super->array, sb->set_uuid, MD_UUID_LEN);
	memcpy(super->device, sb->device_uuid, MD_UUID_LEN);
	super->events = le64toh(sb->events);
	super->raid_disks = le32toh(sb->raid_disks);
	super->dirty = le64toh(sb->resync_offset) != UINT64_MAX;
	super->partly = le32toh(sb->feature_map) & MD_FEATURE_RECOVERY_OFFSET;
	super->bitmap = bitmap_sector(sb, sector);
	super->data = le64toh(sb->data_offset);
	super->data_end = super->data + le64toh(sb->data_size);
	if (super->data_end < super->data)
		super->data_end = UINT64_MAX;
	super->role = -1;
	for (i = 0; i < max_dev; i++) {
		role = le16toh(sb->dev_roles[i]);
		if (role >= MD_SLOTS_MAX || role >= super->raid_disks)
			continue;
		super->active[role] = true;
		if (i == number)
			super->role = (int)role;
	}
	return NULL;
}

static int read_at(int fd, void *data, uint64_t offset)
{
	ssize_t n;

	do {
		n = pread(fd, data, MD_SUPER_SIZE, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n == MD_SUPER_SIZE ? 0 : -1;
}

/* 1.2 and 1.1 have it at the beginning, 1.0 near the end. */
static int find(int fd, int minor, void *data, struct md_super *super)
{
	uint64_t places[3] = { 0, 0, 4096 }, size;
	int i;

	if (ioctl(fd, BLKGETSIZE64, &size))
		return -1;
	if (size < 4 * MD_SUPER_SIZE)
		return 1;
	places[0] = (size / 512 - 16) / 8 * 8 * 512;
	for (i = 2; i >= 0; i--) {
		if (minor >= 0 && minor != i)
			continue;
		if (read_at(fd, data, places[i]))
			return -1;
		if (!md_super_parse(data, places[i] / 512, super))
			return 0;
	}
	return 1;
}

int md_node_open(const char *node, int flags, struct enbd_err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", node);
	fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		enbd_fail(err, ENBD_EXIT_GENERAL, "%s: cannot open: %s", path,
			  strerror(errno));
	return fd;
}

int md_super_read(const char *node, int minor, struct md_block *block,
		  struct md_super *super, struct enbd_err *err)
{
	const int fd = md_node_open(node, O_RDONLY, err);
	int rc;

	if (fd < 0)
		return -1;
	rc = find(fd, minor, block->data, super);
	if (rc < 0)
		enbd_fail(err, ENBD_EXIT_GENERAL, "/dev/%s: cannot read: %s",
			  node, strerror(errno));
	close(fd);
	return rc;
}

uint64_t md_super_place(const struct md_block *block)
{
	return le64toh(((const struct mdp_superblock_1 *)block->data)->super_offset);
}

int md_super_write(const char *node, const struct md_block *block,
		   struct enbd_err *err)
{
	const off_t offset = (off_t)md_super_place(block) * 512;
	const int fd = md_node_open(node, O_RDWR | O_EXCL, err);
	int rc = 0;

	if (fd < 0)
		return -1;
	if (pwrite(fd, block->data, MD_SUPER_SIZE, offset) != MD_SUPER_SIZE ||
	    fsync(fd))
		rc = enbd_fail(err, ENBD_EXIT_GENERAL,
			       "/dev/%s: cannot write: %s", node,
			       strerror(errno));
	close(fd);
	return rc;
}

const char *md_super_fits(const struct md_super *member,
			  const struct md_super *others, size_t count)
{
	const size_t uuid = MD_UUID_LEN;
	uint64_t events = 0;
	bool known = false;
	size_t i;

	if (member->role < 0)
		return "it has no place in the array by its own superblock; add it anew";
	for (i = 0; i < count; i++) {
		const struct md_super *o = &others[i];

		if (memcmp(member->array, o->array, uuid))
			return "it belongs to another array";
		if (member->raid_disks != o->raid_disks)
			return "the array has been given another shape since; add it anew";
		if (!memcmp(member->device, o->device, uuid))
			return "it is a copy of another member";
		if (member->role == o->role)
			return "its place in the array is taken";
		if (o->events > events)
			events = o->events;
		if (o->role >= 0 && member->active[o->role])
			known = true;
	}
	if (!known)
		return "it has lived on alone; decide which data are right and add the other anew";
	if (member->events > events)
		return "it is newer than the array; decide which is right, add the other anew";
	return NULL;
}
