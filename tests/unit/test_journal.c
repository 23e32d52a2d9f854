// SPDX-License-Identifier: GPL-2.0
/* The driver's journal: the cases that the kernel runs as well, and threads. */
/* cflags: -Itests/unit/shim */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

/* what is made static there can be looked at here */
#include "drivers/enbd/journal.c"

#include "drivers/enbd/journal_model.h"

static void test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(journal_cases); i++) {
		struct enbd_journal *j = enbd_journal_new(MODEL_SIZE);

		assert_non_null(j);
		model_wrong = NULL;
		journal_cases[i].run(j);
		enbd_journal_free(j);
		if (model_wrong)
			fail_msg("%s: %s", journal_cases[i].name, model_wrong);
	}
}

static void test_random(void **state)
{
	u64 seed;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		struct enbd_journal *j = enbd_journal_new(MODEL_SIZE);

		assert_non_null(j);
		model_wrong = NULL;
		model_play(j, seed, 1000);
		enbd_journal_free(j);
		if (model_wrong)
			fail_msg("seed %llu, operation %u: %s", (unsigned long long)seed,
				 model.now / 2, model_wrong);
	}
}

static void test_no_memory(void **state)
{
	struct enbd_journal *j;

	(void)state;
	enbd_journal_free(NULL);
	for (shim_alloc_left = 0; shim_alloc_left < 2; shim_alloc_left++) {
		int left = shim_alloc_left;

		assert_null(enbd_journal_new(MODEL_SIZE));
		shim_alloc_left = left;
	}
	shim_alloc_left = -1;

	j = enbd_journal_new(MODEL_SIZE);
	assert_non_null(j);
	write_region(j, 1);
	shim_alloc_left = 0;
	assert_int_equal(resize(j, TI), -ENOMEM);
	/* as it was */
	assert_true(HAS(j, { REGION, REGION }));
	assert_int_equal(enbd_journal_region_size(j), REGION);
	/* no more regions, so no memory */
	assert_int_equal(resize(j, 4 * REGION), 0);
	shim_alloc_left = -1;
	enbd_journal_free(j);
}

/*
 * Threads. A server gives every write a number when it answers it, and a flush
 * the number of the last write answered before it came. Each writer has regions
 * of its own, in words that it shares with others, and so knows all the time
 * whether what it wrote last has to be there.
 */
#define WRITERS		3
#define FLUSHERS	4
#define REGIONS_EACH	100
#define WRITES		40000

static struct {
	struct enbd_journal *j;
	pthread_mutex_t lock;
	u64 answered;			/* under lock */
	u64 covered;			/* atomic */
	int running;			/* writers; atomic */
	int missing;			/* atomic */
	pthread_rwlock_t resize;	/* nobody looks meanwhile */
} srv;

static u64 srv_answer(bool write)
{
	u64 n;

	pthread_mutex_lock(&srv.lock);
	n = srv.answered += write;
	pthread_mutex_unlock(&srv.lock);
	return n;
}

static bool listed(u64 region)
{
	u64 pos = region * REGION, offset, length;
	bool there;

	pthread_rwlock_rdlock(&srv.resize);
	there = enbd_journal_next_range(srv.j, &pos, &offset, &length) &&
		offset == region * REGION;
	pthread_rwlock_unlock(&srv.resize);
	return there;
}

static void *writer(void *arg)
{
	unsigned int me = (uintptr_t)arg;
	unsigned int n;

	for (n = 0; n < WRITES; n++) {
		u64 region = n * 7 % REGIONS_EACH * WRITERS + me;
		u64 number = srv_answer(true);

		write_region(srv.j, region);
		/* asked in this order */
		if (!listed(region) &&
		    __atomic_load_n(&srv.covered, __ATOMIC_SEQ_CST) < number)
			__atomic_add_fetch(&srv.missing, 1, __ATOMIC_SEQ_CST);
		if (n % 16 == me)
			sched_yield();
	}
	__atomic_sub_fetch(&srv.running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *flusher(void *arg)
{
	unsigned int n = (uintptr_t)arg;

	while (__atomic_load_n(&srv.running, __ATOMIC_SEQ_CST)) {
		u32 f = enbd_journal_flush_begin(srv.j);
		u64 came = srv_answer(false);
		bool ok = n++ % 5;
		u64 old;

		sched_yield();
		old = __atomic_load_n(&srv.covered, __ATOMIC_SEQ_CST);
		while (ok && came > old &&
		       !__atomic_compare_exchange_n(&srv.covered, &old, came, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		enbd_journal_flush_end(srv.j, f, ok);
	}
	return NULL;
}

static void *resizer(void *arg)
{
	u64 size = MODEL_SIZE;

	(void)arg;
	while (__atomic_load_n(&srv.running, __ATOMIC_SEQ_CST)) {
		/* with more regions each time, and no larger ones */
		if (size < 4 * GI)
			size += 16 * CHUNK * KI;
		pthread_rwlock_wrlock(&srv.resize);
		assert_int_equal(resize(srv.j, size), 0);
		pthread_rwlock_unlock(&srv.resize);
		sched_yield();
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[WRITERS + FLUSHERS + 1];
	unsigned int i, n = 0;
	u32 f;

	(void)state;
	srv.j = enbd_journal_new(MODEL_SIZE);
	assert_non_null(srv.j);
	pthread_mutex_init(&srv.lock, NULL);
	pthread_rwlock_init(&srv.resize, NULL);
	srv.running = WRITERS;
	for (i = 0; i < WRITERS; i++)
		pthread_create(&t[n++], NULL, writer, (void *)(uintptr_t)i);
	for (i = 0; i < FLUSHERS; i++)
		pthread_create(&t[n++], NULL, flusher, (void *)(uintptr_t)i);
	pthread_create(&t[n++], NULL, resizer, NULL);
	while (n--)
		pthread_join(t[n], NULL);
	assert_int_equal(srv.missing, 0);

	/* what late marks left goes away, too */
	for (i = 0; i < 3; i++) {
		f = enbd_journal_flush_begin(srv.j);
		enbd_journal_flush_end(srv.j, f, true);
	}
	assert_true(enbd_journal_empty(srv.j));
	enbd_journal_free(srv.j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
