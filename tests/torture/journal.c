// SPDX-License-Identifier: GPL-2.0
#include "journal.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define ENTRIES		(1u << 16)
#define UNITS_MAX	16

static struct entry {
	uint64_t begin, end, number;
	uint64_t seq[UNITS_MAX];
	uint32_t first;
	uint16_t n, thread;
	uint8_t op;
	int error;
} entries[ENTRIES];

static uint64_t next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

uint64_t journal_begin(enum op op, uint32_t first, unsigned int n, const uint64_t *seq,
		       unsigned int thread)
{
	struct entry *e;
	uint64_t number;

	pthread_mutex_lock(&lock);
	number = next++;
	e = &entries[number % ENTRIES];
	*e = (struct entry){
		.begin = now_us(), .number = number, .first = first, .n = n,
		.thread = thread, .op = op,
	};
	if (seq)
		memcpy(e->seq, seq, n * sizeof(*seq));
	pthread_mutex_unlock(&lock);
	return number;
}

void journal_end(uint64_t number, int error)
{
	struct entry *e = &entries[number % ENTRIES];

	pthread_mutex_lock(&lock);
	if (e->number == number) {
		e->end = now_us();
		e->error = error;
	}
	pthread_mutex_unlock(&lock);
}

static void print_one(FILE *to, const struct entry *e, uint32_t unit)
{
	static const char *const names[] = {
		[OP_WRITE] = "write", [OP_ZERO] = "zero", [OP_TRIM] = "trim",
		[OP_READ] = "read", [OP_FLUSH] = "flush",
	};

	fprintf(to, "%10" PRIu64 ".%06" PRIu64 "  thread %-3u %-5s",
		e->begin / 1000000, e->begin % 1000000, e->thread, names[e->op]);
	if (e->op != OP_READ)
		fprintf(to, " %-6" PRIu64, e->seq[unit - e->first]);
	else
		fprintf(to, "       ");
	fprintf(to, " units %u+%u  ", e->first, e->n);
	if (!e->end)
		fprintf(to, "under way\n");
	else if (e->error)
		fprintf(to, "failed after %" PRIu64 " us: %s\n",
			e->end - e->begin, strerror(e->error));
	else
		fprintf(to, "done after %" PRIu64 " us\n", e->end - e->begin);
}

void journal_print(FILE *to, uint32_t unit)
{
	uint64_t i;
	const struct entry *e;

	pthread_mutex_lock(&lock);
	for (i = next > ENTRIES ? next - ENTRIES : 0; i < next; i++) {
		e = &entries[i % ENTRIES];
		if (unit >= e->first && unit < e->first + e->n)
			print_one(to, e, unit);
	}
	pthread_mutex_unlock(&lock);
}
