/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal: in which regions of the device writes were acknowledged since
 * the last flush that has completed. If the server turns out to have forgotten
 * such writes, this is where they were.
 *
 * It may name too much, never too little. How that comes about without a lock
 * on the way of a write is explained in journal.c.
 *
 * Nothing here knows of channels or disks; it is compiled in userspace as well,
 * for unit tests.
 */
#ifndef ENBD_JOURNAL_H
#define ENBD_JOURNAL_H

#include <linux/types.h>

/* A region is 64 KiB, or as much more as keeps their number at this */
#define ENBD_JOURNAL_MIN_SHIFT	16
#define ENBD_JOURNAL_MAX_REGIONS (4 * 1024 * 1024)

struct enbd_journal;

struct enbd_journal *enbd_journal_new(u64 size);
void enbd_journal_free(struct enbd_journal *j);
int enbd_journal_prepare(struct enbd_journal *j, u64 size);
void enbd_journal_resize(struct enbd_journal *j, u64 size);
void enbd_journal_clear(struct enbd_journal *j);

void enbd_journal_mark(struct enbd_journal *j, u64 offset, u64 length);
u32 enbd_journal_flush_begin(struct enbd_journal *j);
void enbd_journal_flush_end(struct enbd_journal *j, u32 token, bool ok);

bool enbd_journal_empty(struct enbd_journal *j);
u64 enbd_journal_bytes(struct enbd_journal *j);
u64 enbd_journal_region_size(struct enbd_journal *j);
bool enbd_journal_next_range(struct enbd_journal *j, u64 *pos, u64 *offset,
			     u64 *length);

#endif /* ENBD_JOURNAL_H */
