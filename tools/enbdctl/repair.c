// SPDX-License-Identifier: GPL-2.0
#include "repair.h"

uint32_t repair_backoff(unsigned int failures, uint32_t max, uint32_t random)
{
	uint32_t delay = REPAIR_BASE_MS;

	while (failures > 1 && delay < max) {
		failures--;
		delay *= 2;
	}
	if (delay > max)
		delay = max;
	return delay - random % (delay / 2 + 1);
}

/* A path on which channels do not last is not asked in a hurry. */
static void see_loss(struct repair *r, struct repair_place *p, uint64_t now,
		     uint32_t random)
{
	struct repair_path *path = &r->paths[p->path];
	uint64_t next = now;

	if (p->up && now - p->up < REPAIR_STABLE_MS) {
		path->strikes++;
		next += repair_backoff(path->strikes, REPAIR_STRIKE_MS, random);
	} else {
		path->strikes = 0;
	}
	if (path->next < next)
		path->next = next;
}

void repair_see(struct repair *r, unsigned int place, enum repair_state state,
		unsigned int path, uint64_t now, uint32_t random)
{
	struct repair_place *p = &r->places[place];
	const enum repair_state before = p->state;

	/* Whose attempt is under way is counted where it began. */
	if (!p->busy)
		p->path = path;
	p->state = state;
	if (state == REPAIR_BROKEN && before == REPAIR_FINE)
		see_loss(r, p, now, random);
	if (state == REPAIR_FINE && before != REPAIR_FINE && !p->up)
		p->up = now;
	if (state != REPAIR_FINE)
		p->up = 0;
}

static unsigned int limit(const struct repair_path *path)
{
	return path->failures || path->strikes ? 1 : REPAIR_PARALLEL;
}

static bool may_try(const struct repair *r, unsigned int place)
{
	const struct repair_place *p = &r->places[place];
	const struct repair_path *path = &r->paths[p->path];

	return p->state == REPAIR_BROKEN && !p->busy &&
	       path->busy < limit(path);
}

int repair_next(struct repair *r, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		struct repair_place *p = &r->places[i];

		if (!may_try(r, i) || r->paths[p->path].next > now)
			continue;
		p->busy = true;
		r->paths[p->path].busy++;
		return (int)i;
	}
	return -1;
}

static void see_failure(struct repair *r, struct repair_path *path,
			uint64_t started, uint64_t now, uint32_t random)
{
	if (path->kicked) {
		path->next = now;
	} else if (started >= path->failed) {
		/* Those that began together fail together: that is one. */
		path->failures++;
		path->failed = now;
		path->next = now + repair_backoff(path->failures,
						  r->max_backoff, random);
	}
}

void repair_done(struct repair *r, unsigned int place,
		 enum repair_outcome outcome, uint64_t started, uint64_t now,
		 uint32_t random)
{
	struct repair_place *p = &r->places[place];
	struct repair_path *path = &r->paths[p->path];

	p->busy = false;
	path->busy--;
	switch (outcome) {
	case REPAIR_DONE:
		path->failures = 0;
		path->next = now;
		if (p->state == REPAIR_BROKEN) {
			p->state = REPAIR_FINE;
			p->up = now;
		}
		break;
	case REPAIR_FAILED:
		see_failure(r, path, started, now, random);
		break;
	case REPAIR_AGAIN:
		/* Two who overtake each other must not go on like that. */
		if (path->next < now + random % REPAIR_AGAIN_MS)
			path->next = now + random % REPAIR_AGAIN_MS;
		break;
	}
	if (!path->busy)
		path->kicked = false;
}

void repair_kick(struct repair *r, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		struct repair_path *path = &r->paths[i];

		path->failures = 0;
		path->strikes = 0;
		path->failed = now;
		path->next = now;
		path->kicked = path->busy;
	}
}

uint64_t repair_due(const struct repair *r)
{
	uint64_t due = REPAIR_NEVER;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		const uint64_t next = r->paths[r->places[i].path].next;

		if (may_try(r, i) && next < due)
			due = next;
	}
	return due;
}
