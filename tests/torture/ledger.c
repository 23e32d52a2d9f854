// SPDX-License-Identifier: GPL-2.0
#include "ledger.h"

#include <stdlib.h>

int ledger_init(struct ledger *l, uint32_t units, uint64_t run)
{
	uint32_t i;

	l->unit = calloc(units, sizeof(*l->unit));
	if (!l->unit)
		return -1;
	for (i = 0; i < units; i++)
		l->unit[i].zeros = 1;
	l->count = units;
	l->run = run;
	return pthread_mutex_init(&l->lock, NULL);
}

void ledger_free(struct ledger *l)
{
	pthread_mutex_destroy(&l->lock);
	free(l->unit);
}

bool ledger_begin(struct ledger *l, enum op op, uint32_t first, unsigned int n,
		  uint64_t *seq)
{
	struct unit *u = &l->unit[first];
	bool fits = true;
	unsigned int i;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < n; i++)
		fits = fits && !u[i].busy;
	for (i = 0; i < n && fits; i++) {
		u[i].busy = true;
		u[i].zeros = u[i].zeros << 1 | (op != OP_WRITE);
		seq[i] = ++u[i].last;
	}
	pthread_mutex_unlock(&l->lock);
	return fits;
}

void ledger_end(struct ledger *l, enum op op, uint32_t first, unsigned int n,
		bool good)
{
	struct unit *u = &l->unit[first];
	unsigned int i;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < n; i++) {
		if (good && op != OP_TRIM)
			u[i].low = u[i].last;
		u[i].busy = false;
	}
	pthread_mutex_unlock(&l->lock);
}

void ledger_read_begin(struct ledger *l, uint32_t first, unsigned int n,
		       struct window *w)
{
	unsigned int i;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < n; i++)
		w[i].low = l->unit[first + i].low;
	pthread_mutex_unlock(&l->lock);
}

/* The oldest write from @low on that may leave zeroes; UINT64_MAX: none. */
static uint64_t oldest_zero(const struct unit *u, uint64_t low)
{
	uint64_t seq;

	/* So many are undecided that nobody knows any more. */
	if (u->last - low >= 64)
		return low;
	for (seq = low; seq <= u->last; seq++)
		if (u->zeros >> (u->last - seq) & 1)
			return seq;
	return UINT64_MAX;
}

static enum verdict judge(const struct sector *s, const struct unit *u)
{
	bool open = u->low < u->last;

	switch (s->kind) {
	case SECTOR_ZERO:
		return oldest_zero(u, u->low) == UINT64_MAX ? VERDICT_ZERO :
							      VERDICT_GOOD;
	case SECTOR_DATA:
		if (s->seq < u->low)
			return VERDICT_OLD;
		return s->seq > u->last ? VERDICT_FUTURE : VERDICT_GOOD;
	case SECTOR_FOREIGN:
		return VERDICT_FOREIGN;
	case SECTOR_BROKEN:
		/* The server copies while we read: a sector may be half new. */
		return open ? VERDICT_GOOD : VERDICT_BROKEN;
	}
	return VERDICT_BROKEN;
}

enum verdict ledger_read_end(struct ledger *l, uint32_t unit,
			     const struct window *w, const void *data,
			     struct unit *allowed, unsigned int *sector)
{
	const uint8_t *bytes = data;
	struct sector s[UNIT_SECTORS];
	enum verdict v = VERDICT_GOOD;
	bool same = true, mixed = false;
	struct unit *u = &l->unit[unit];
	uint64_t seen;
	unsigned int i;

	for (i = 0; i < UNIT_SECTORS; i++) {
		s[i] = block_sector(bytes + i * SECTOR_SIZE, l->run, unit, i);
		same = same && s[i].kind == s[0].kind && s[i].seq == s[0].seq;
		mixed = mixed || s[i].kind == SECTOR_BROKEN;
	}
	pthread_mutex_lock(&l->lock);
	*allowed = *u;
	allowed->low = w->low;
	for (i = 0; i < UNIT_SECTORS && v == VERDICT_GOOD; i++) {
		*sector = i;
		v = judge(&s[i], allowed);
	}
	if (!same && allowed->low == allowed->last && v != VERDICT_BROKEN &&
	    v != VERDICT_FOREIGN)
		v = VERDICT_TORN;
	if (v == VERDICT_GOOD && same && !mixed) {
		seen = s[0].kind == SECTOR_ZERO ?
		       oldest_zero(u, allowed->low) : s[0].seq;
		if (seen > u->low)
			u->low = seen;
	}
	pthread_mutex_unlock(&l->lock);
	return v;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_GOOD] = "good",
		[VERDICT_OLD] = "old data came back, or a write was lost",
		[VERDICT_FUTURE] = "a write that was never made",
		[VERDICT_ZERO] = "zeroes where data must be",
		[VERDICT_TORN] = "pieces of different writes",
		[VERDICT_BROKEN] = "bytes that nobody wrote",
		[VERDICT_FOREIGN] = "data of another place",
	};

	return names[v];
}
