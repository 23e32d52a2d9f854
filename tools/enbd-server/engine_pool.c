// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine.h"
#include "file_ops.h"
#include "process.h"
#include "vouch.h"

/**
 * struct pool - threads that take operations from one queue
 * @engine: what others see
 * @lock: protects everything below
 * @work: there is work for an idle thread, or @stop
 * @ended: a thread has ended
 * @head: oldest operation not yet taken
 * @tail: where the next one goes
 * @queued: operations not yet taken
 * @threads: threads alive
 * @idle: threads that wait, or have been woken and do not run yet
 * @max: limit of @threads
 * @stop: threads end once the queue is empty
 */
struct pool {
	struct engine engine;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t ended;
	struct file_io *head;
	struct file_io **tail;
	unsigned int queued;
	unsigned int threads;
	unsigned int idle;
	unsigned int max;
	bool stop;
};

static void *worker(void *arg);

/* With lock: hand an operation to the threads. */
static void enqueue(struct pool *pool, struct file_io *io)
{
	io->next = NULL;
	*pool->tail = io;
	pool->tail = &io->next;
	pool->queued++;
	if (pool->idle)
		pthread_cond_signal(&pool->work);
	/*
	 * A thread that cannot be started is no loss while there is another
	 * one, and engine_pool_create() has made sure of that.
	 */
	if (pool->queued > pool->idle && pool->threads < pool->max &&
	    !thread_start(worker, pool))
		pool->threads++;
}

static bool uses_lane(const struct file_io *io)
{
	return io->op == IO_WRITE && !io->file->is_block;
}

/* Is there something to be made stable once it has been done? */
static bool is_fua(const struct file_io *io)
{
	return io->flags & IO_FUA && (io->op == IO_WRITE ||
				      io->op == IO_TRIM || io->op == IO_ZERO);
}

/* What takes its turn in the flush lane at once */
static bool is_flush(const struct file_io *io)
{
	return io->op == IO_FLUSH || io->op == IO_CHECK;
}

/* With lock. Return: true if the operation has to wait for another one */
static bool enter_lane(struct file_io *io)
{
	struct write_lane *lane = &io->file->lane;

	if (!lane->busy) {
		lane->busy = true;
		return false;
	}
	io->next = NULL;
	if (lane->head)
		lane->tail->next = io;
	else
		lane->head = io;
	lane->tail = io;
	return true;
}

static void leave_lane(struct pool *pool, struct io_file *file)
{
	struct write_lane *lane = &file->lane;
	struct file_io *io;

	pthread_mutex_lock(&pool->lock);
	io = lane->head;
	if (io) {
		lane->head = io->next;
		enqueue(pool, io);
	} else {
		lane->busy = false;
	}
	pthread_mutex_unlock(&pool->lock);
}

/* With lock. Return: true if it has to wait for another one */
static bool enter_flushes(struct file_io *io)
{
	struct flush_lane *lane = &io->file->flushes;

	io->also = NULL;
	if (!lane->busy) {
		lane->busy = true;
		return false;
	}
	io->also = lane->waiting;
	lane->waiting = io;
	return true;
}

/* One call for all of them */
static int sync_all(const struct file_io *io)
{
	const struct io_file *file = io->file;

	for (; io; io = io->also) {
		if (io->op != IO_CHECK)
			return file_sync(file);
	}
	return file_check(file);
}

static void leave_flushes(struct pool *pool, struct io_file *file)
{
	struct flush_lane *lane = &file->flushes;
	struct file_io *io;

	pthread_mutex_lock(&pool->lock);
	io = lane->waiting;
	lane->waiting = NULL;
	if (io)
		enqueue(pool, io);
	else
		lane->busy = false;
	pthread_mutex_unlock(&pool->lock);
}

/*
 * Of what a file has lost its file system can be asked as well, should we be killed
 * before we have said what we heard. A disk can be asked only this way.
 */
static bool only_we_hear(const struct io_file *file)
{
	return file->vouch && file->is_block;
}

static void answer_all(struct file_io *io, int error)
{
	struct file_io *also;

	for (; io; io = also) {
		also = io->also;
		io->error = error;
		io->done(io);
	}
}

static void carry_out_flush(struct pool *pool, struct file_io *io)
{
	struct io_file *file = io->file;
	const bool marked = only_we_hear(file);
	int error;

	if (marked)
		vouch_ask(file->vouch, file->number);
	error = sync_all(io);
	io->lost = error != 0;
	if (error)
		answer_all(io, error);
	if (marked)
		vouch_told(file->vouch, file->number);
	leave_flushes(pool, file);
	/* All is well, and answering takes time that nobody else has to wait for. */
	if (!error)
		answer_all(io, 0);
}

static void carry_out(struct pool *pool, struct file_io *io)
{
	bool wait;

	if (is_flush(io) || io->written) {
		carry_out_flush(pool, io);
		return;
	}

	file_run(io);
	if (uses_lane(io))
		leave_lane(pool, io->file);
	if (io->error || !is_fua(io)) {
		io->done(io);
		return;
	}
	io->written = true;
	pthread_mutex_lock(&pool->lock);
	wait = enter_flushes(io);
	pthread_mutex_unlock(&pool->lock);
	if (!wait)
		carry_out_flush(pool, io);
}

static void *worker(void *arg)
{
	struct pool *pool = arg;
	struct file_io *io;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->head && !pool->stop) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
		}
		io = pool->head;
		if (!io)
			break;
		pool->head = io->next;
		if (!pool->head)
			pool->tail = &pool->head;
		pool->queued--;
		pthread_mutex_unlock(&pool->lock);
		carry_out(pool, io);
		pthread_mutex_lock(&pool->lock);
	}
	pool->threads--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static int pool_run_now(struct engine *engine, struct file_io *io)
{
	(void)engine;
	return file_run_now(io);
}

static void pool_submit(struct engine *engine, struct file_io *io)
{
	struct pool *pool = (struct pool *)engine;

	io->lost = false;
	io->written = false;
	pthread_mutex_lock(&pool->lock);
	if ((uses_lane(io) && enter_lane(io)) ||
	    (is_flush(io) && enter_flushes(io))) {
		pthread_mutex_unlock(&pool->lock);
		return;
	}
	enqueue(pool, io);
	pthread_mutex_unlock(&pool->lock);
}

static void pool_destroy(struct engine *engine)
{
	struct pool *pool = (struct pool *)engine;

	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->threads)
		pthread_cond_wait(&pool->ended, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&pool->ended);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static const struct engine_ops pool_ops = {
	.run_now	= pool_run_now,
	.submit		= pool_submit,
	.destroy	= pool_destroy,
};

struct engine *engine_pool_create(unsigned int threads)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int err;

	if (!pool)
		return NULL;
	pool->engine.ops = &pool_ops;
	pool->tail = &pool->head;
	pool->max = threads;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->ended, NULL);
	pthread_mutex_lock(&pool->lock);
	err = thread_start(worker, pool);
	if (!err)
		pool->threads++;
	pthread_mutex_unlock(&pool->lock);
	if (err) {
		pool_destroy(&pool->engine);
		errno = err;
		return NULL;
	}
	return &pool->engine;
}
