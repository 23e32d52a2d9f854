/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Self-describing blocks. A unit is what is written at once, 4 KiB; each of its
 * sectors says which unit and sector it is, which of the writes to the unit put
 * it there, and who did; the rest follows from these, so that every byte can be
 * checked.
 */
#ifndef TORTURE_BLOCK_H
#define TORTURE_BLOCK_H

#include <stdint.h>

#define SECTOR_SIZE	512u
#define UNIT_SIZE	4096u
#define UNIT_SECTORS	(UNIT_SIZE / SECTOR_SIZE)

enum sector_kind {
	SECTOR_DATA,	/* of this run, at its place, every byte right */
	SECTOR_ZERO,
	SECTOR_FOREIGN,	/* well-formed, of another run or place */
	SECTOR_BROKEN,	/* anything else */
};

struct sector {
	enum sector_kind kind;
	uint64_t run, seq;
	uint32_t unit;
	uint16_t number, writer;
};

/* Fill @buf (UNIT_SIZE bytes) with write number @seq of @unit. */
void block_fill(void *buf, uint64_t run, uint32_t unit, uint64_t seq,
		uint16_t writer);

/* What the SECTOR_SIZE bytes at @buf are, read as sector @number of @unit. */
struct sector block_sector(const void *buf, uint64_t run, uint32_t unit,
			   uint16_t number);

#endif
