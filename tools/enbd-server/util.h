/* SPDX-License-Identifier: GPL-2.0 */
/* Small things that several files need. */
#ifndef ENBD_SERVER_UTIL_H
#define ENBD_SERVER_UTIL_H

#include <stddef.h>
#include <time.h>

/* Arguments without side effects */
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* CLOCK_MONOTONIC in nanoseconds */
static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* CLOCK_MONOTONIC in milliseconds */
static inline long long now_ms(void)
{
	return now_ns() / 1000000;
}

#endif /* ENBD_SERVER_UTIL_H */
