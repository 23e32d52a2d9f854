/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each unit of a disk may contain, given what was written and which writes
 * were acknowledged.
 *
 * Writes to one unit come one after the other and are numbered from 1; 0 is what
 * was there before, zeroes. A read may return the last acknowledged write or any
 * that was begun later; and nothing older than what a read that ended before it
 * began has returned. A failed write may have been done or not, until a later one
 * is acknowledged. Sectors of a unit may be of different writes only while one
 * is under way.
 */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "block.h"

enum op {
	OP_WRITE,
	OP_ZERO,	/* afterwards the unit is zero */
	OP_TRIM,	/* afterwards it may be zero */
	OP_READ,
	OP_FLUSH,
};

enum verdict {
	VERDICT_GOOD,
	VERDICT_OLD,		/* an older write than the one that must be there */
	VERDICT_FUTURE,		/* a write that was never made */
	VERDICT_ZERO,		/* zeroes, and none may be there */
	VERDICT_TORN,		/* pieces of different writes, none under way */
	VERDICT_BROKEN,		/* bytes that nobody wrote */
	VERDICT_FOREIGN,	/* of another place or run */
};

/**
 * struct unit - the window of what may be there
 * @low:   the oldest write that may be there
 * @last:  the newest that was begun
 * @zeros: bit i: write @last - i may leave zeroes
 * @busy:  one is under way
 */
struct unit {
	uint64_t low, last, zeros;
	bool busy;
};

/* The window when a read began. */
struct window {
	uint64_t low;
};

struct ledger {
	pthread_mutex_t lock;
	uint64_t run;
	uint32_t count;
	struct unit *unit;
};

int ledger_init(struct ledger *l, uint32_t units, uint64_t run);
void ledger_free(struct ledger *l);

/*
 * Begin a write, zeroing or trim of @n units from @first on. False: one of them
 * is busy; try another place. @seq: their numbers.
 */
bool ledger_begin(struct ledger *l, enum op op, uint32_t first, unsigned int n,
		  uint64_t *seq);

/* It has ended; @good: it was acknowledged. */
void ledger_end(struct ledger *l, enum op op, uint32_t first, unsigned int n,
		bool good);

void ledger_read_begin(struct ledger *l, uint32_t first, unsigned int n,
		       struct window *w);

/*
 * Judge one unit that was read. @low, @last: what was allowed; @sector: the one
 * that the verdict is about.
 */
enum verdict ledger_read_end(struct ledger *l, uint32_t unit,
			     const struct window *w, const void *data,
			     struct unit *allowed, unsigned int *sector);

const char *verdict_name(enum verdict v);

#endif
