// SPDX-License-Identifier: GPL-2.0
#include "buffers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define ALIGN		4096
#define MIN_SHIFT	12
/* Powers of two from 4 KiB on */
#define CLASSES		20
/* Unused ones are kept up to this part of the limit. */
#define KEEP_PART	4

struct unused {
	struct unused *next;
};

/**
 * struct buffers - see buffers.h
 * @limit: of @used and @kept together
 * @lock: protects the rest
 * @used: bytes that somebody has
 * @kept: bytes in @unused
 * @unused: by size
 */
struct buffers {
	size_t limit;
	pthread_mutex_t lock;
	size_t used;
	size_t kept;
	struct unused *unused[CLASSES];
};

static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while (((size_t)1 << (class + MIN_SHIFT)) < size)
		class++;
	return class;
}

static size_t class_size(unsigned int class)
{
	return (size_t)1 << (class + MIN_SHIFT);
}

size_t buffers_cost(size_t size)
{
	return class_size(class_of(size));
}

struct buffers *buffers_create(size_t limit)
{
	struct buffers *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->limit = limit;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

/* With lock. Return: NULL if there is none */
static void *take(struct buffers *b, unsigned int class)
{
	struct unused *unused = b->unused[class];

	if (unused) {
		b->unused[class] = unused->next;
		b->kept -= class_size(class);
	}
	return unused;
}

/* With lock: is there room for so much, if need be in place of unused ones? */
static bool make_room(struct buffers *b, size_t size)
{
	unsigned int class;

	if (size > b->limit - b->used)
		return false;
	for (class = CLASSES; class-- && size > b->limit - b->used - b->kept;) {
		while (size > b->limit - b->used - b->kept && b->unused[class])
			free(take(b, class));
	}
	return true;
}

void buffers_destroy(struct buffers *b)
{
	unsigned int class;

	if (!b)
		return;
	for (class = 0; class < CLASSES; class++) {
		while (b->unused[class])
			free(take(b, class));
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void *buffers_get(struct buffers *b, size_t size)
{
	const unsigned int class = class_of(size);
	void *buf;

	size = class_size(class);
	pthread_mutex_lock(&b->lock);
	buf = take(b, class);
	if (!buf && !make_room(b, size)) {
		pthread_mutex_unlock(&b->lock);
		return NULL;
	}
	b->used += size;
	pthread_mutex_unlock(&b->lock);
	if (!buf)
		buf = aligned_alloc(ALIGN, size);
	if (!buf) {
		pthread_mutex_lock(&b->lock);
		b->used -= size;
		pthread_mutex_unlock(&b->lock);
	}
	return buf;
}

void buffers_put(struct buffers *b, void *buf, size_t size)
{
	const unsigned int class = class_of(size);
	struct unused *unused = buf;

	size = class_size(class);
	pthread_mutex_lock(&b->lock);
	b->used -= size;
	if (b->kept + size <= b->limit / KEEP_PART) {
		unused->next = b->unused[class];
		b->unused[class] = unused;
		b->kept += size;
		unused = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	free(unused);
}
