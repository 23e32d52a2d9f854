// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/engine_pool.c tools/enbd-server/file_ops.c tools/enbd-server/process.c */
/*
 * The pool of threads: who answers slowly holds up nobody, as long as there may
 * be another thread. The disk's calls are this test's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/engine.h"
#include "tools/enbd-server/util.h"
#include "tools/enbd-server/vouch.h"

#define DEADLINE_S	20

/* All of these: lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int syncs, writes;
static int sync_error;
static bool hold_writes;

static struct io_file file;
static char byte;
static const struct iovec data = { .iov_base = &byte, .iov_len = 1 };

/* An operation; with @hold its done() does not return. */
struct op {
	struct file_io io;
	bool hold;
	bool answering;
	bool done;
};

/* Questions to the kernel, and how many syncs and answers there were at the end */
static unsigned int asked, told, syncs_before, answers, answers_then;

void vouch_wake(struct vouch *vouch)
{
	(void)vouch;
}

void vouch_ask(struct vouch *vouch, unsigned int member)
{
	(void)vouch;
	assert_int_equal(member, 7);
	pthread_mutex_lock(&lock);
	/* One at a time */
	assert_int_equal(asked, told);
	asked++;
	syncs_before = syncs;
	pthread_mutex_unlock(&lock);
}

void vouch_told(struct vouch *vouch, unsigned int member)
{
	(void)vouch;
	assert_int_equal(member, 7);
	pthread_mutex_lock(&lock);
	assert_int_equal(syncs, syncs_before + 1);
	told++;
	answers_then = answers;
	pthread_mutex_unlock(&lock);
}

int fdatasync(int fd)
{
	(void)fd;
	pthread_mutex_lock(&lock);
	syncs++;
	errno = sync_error;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return errno ? -1 : 0;
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	(void)fd;
	(void)count;
	(void)offset;
	pthread_mutex_lock(&lock);
	writes++;
	pthread_cond_broadcast(&changed);
	while (hold_writes)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return (ssize_t)iov->iov_len;
}

static void op_done(struct file_io *io)
{
	struct op *op = container_of(io, struct op, io);

	pthread_mutex_lock(&lock);
	op->answering = true;
	answers++;
	pthread_cond_broadcast(&changed);
	while (op->hold)
		pthread_cond_wait(&changed, &lock);
	op->done = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void submit(struct engine *engine, struct op *op, enum io_op what,
		   unsigned int flags)
{
	memset(&op->io, 0, sizeof(op->io));
	op->io.op = what;
	op->io.flags = flags;
	op->io.file = &file;
	op->io.done = op_done;
	if (what == IO_WRITE) {
		op->io.length = 1;
		op->io.iov = &data;
		op->io.iovcnt = 1;
	}
	engine->ops->submit(engine, &op->io);
}

static void await(const bool *what)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_S;
	pthread_mutex_lock(&lock);
	while (!*what)
		assert_int_equal(pthread_cond_timedwait(&changed, &lock,
							&until), 0);
	pthread_mutex_unlock(&lock);
}

static void set(bool *what, bool value)
{
	pthread_mutex_lock(&lock);
	*what = value;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void await_writes(unsigned int count)
{
	pthread_mutex_lock(&lock);
	while (writes < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static struct engine *start(unsigned int threads)
{
	struct engine *engine = engine_pool_create(threads);

	assert_non_null(engine);
	memset(&file, 0, sizeof(file));
	syncs = 0;
	asked = 0;
	told = 0;
	answers = 0;
	writes = 0;
	sync_error = 0;
	hold_writes = false;
	return engine;
}

/* A flush is being answered: another one does not wait for that. */
static void test_flush(void **state)
{
	struct engine *engine = start(2);
	struct op slow = { .hold = true }, quick = { 0 };

	(void)state;
	submit(engine, &slow, IO_FLUSH, 0);
	await(&slow.answering);
	submit(engine, &quick, IO_FLUSH, 0);
	await(&quick.done);
	set(&slow.hold, false);
	engine->ops->destroy(engine);
	assert_true(slow.done);
	assert_int_equal(syncs, 2);
}

/* One that failed is answered before anybody asks again. */
static void test_flush_failed(void **state)
{
	struct engine *engine = start(2);
	struct op slow = { .hold = true }, next = { 0 };

	(void)state;
	sync_error = EIO;
	submit(engine, &slow, IO_FLUSH, 0);
	await(&slow.answering);
	assert_true(slow.io.lost);
	sync_error = 0;
	submit(engine, &next, IO_FLUSH, 0);
	usleep(100000);
	assert_int_equal(syncs, 1);
	set(&slow.hold, false);
	await(&next.done);
	engine->ops->destroy(engine);
	assert_int_equal(slow.io.error, EIO);
	assert_int_equal(next.io.error, 0);
	assert_int_equal(syncs, 2);
}

/* What waited for a write, or for a flush, is done while that is answered. */
static void hand_on(enum io_op what, unsigned int flags)
{
	struct engine *engine = start(2);
	struct op slow = { .hold = true }, next = { 0 };

	hold_writes = true;
	submit(engine, &slow, IO_WRITE, flags);
	await_writes(1);
	/* No other thread has a reason to start. */
	submit(engine, &next, what, flags);
	set(&hold_writes, false);
	await(&next.done);
	set(&slow.hold, false);
	engine->ops->destroy(engine);
	assert_true(slow.done);
}

static void test_hand_on(void **state)
{
	(void)state;
	hand_on(IO_WRITE, 0);
	hand_on(IO_WRITE, IO_FUA);
}

/* With one thread all is done all the same, one after the other. */
static void test_one_thread(void **state)
{
	struct engine *engine = start(1);
	struct op ops[40];
	unsigned int i;

	(void)state;
	memset(ops, 0, sizeof(ops));
	for (i = 0; i < 40; i++)
		submit(engine, &ops[i], i % 3 ? IO_WRITE : IO_FLUSH,
		       i % 3 == 1 ? IO_FUA : 0);
	engine->ops->destroy(engine);
	for (i = 0; i < 40; i++)
		assert_true(ops[i].done);
	assert_int_equal(writes, 26);
}

/*
 * A disk that is asked for what it has lost: that is known to the next server
 * until the answer has come, and has been written down if it was bad.
 */
static void test_asked(void **state)
{
	struct engine *engine = start(4);
	struct op ops[40];
	unsigned int i;

	(void)state;
	file.is_block = true;
	file.vouch = (struct vouch *)&file;
	file.number = 7;
	memset(ops, 0, sizeof(ops));
	for (i = 0; i < 40; i++)
		submit(engine, &ops[i], i % 2 ? IO_WRITE : IO_FLUSH,
		       i % 2 ? IO_FUA : 0);
	engine->ops->destroy(engine);
	assert_int_equal(asked, syncs);
	assert_int_equal(told, syncs);

	engine = start(1);
	file.is_block = true;
	file.vouch = (struct vouch *)&file;
	file.number = 7;
	sync_error = EIO;
	submit(engine, &ops[0], IO_FLUSH, 0);
	engine->ops->destroy(engine);
	assert_int_equal(told, 1);
	assert_int_equal(answers_then, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_flush_failed),
		cmocka_unit_test(test_hand_on),
		cmocka_unit_test(test_one_thread),
		cmocka_unit_test(test_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
