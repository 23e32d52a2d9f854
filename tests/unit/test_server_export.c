// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/export.c tools/enbd-server/export_io.c tools/enbd-server/export_loss.c tools/enbd-server/export_size.c tools/enbd-server/sessions.c tools/enbd-server/identity.c tools/enbd-server/record.c tools/enbd-server/observe.c tools/enbd-server/vouch.c tools/enbd-server/marks.c tools/enbd-server/holder.c tools/enbd-server/state_dir.c tools/enbd-server/member.c tools/enbd-server/layout.c tools/enbd-server/engine_pool.c tools/enbd-server/file_ops.c tools/enbd-server/process.c tools/enbd-server/slog.c */
/* Exports of real files: each operation on each layout, compared with memory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/export.h"

#define FILES	5
#define SIZE	(1u << 20)

static char dir[] = "/tmp/test_server_export.XXXXXX";
static char paths[FILES][64];
static char *files[FILES];

/* A call that waits */
struct call {
	struct block_io io;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

static void call_done(struct block_io *io)
{
	struct call *call = (struct call *)io;

	pthread_mutex_lock(&call->lock);
	call->done = true;
	pthread_cond_signal(&call->changed);
	pthread_mutex_unlock(&call->lock);
}

static int run(struct export *export, enum io_op op, unsigned int flags,
	       uint64_t offset, uint64_t length, void *buf)
{
	struct target *target = &export->target;
	struct call call = {
		.io = {
			.op = op,
			.flags = flags,
			.offset = offset,
			.length = length,
			.buf = buf,
			.done = call_done,
		},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};

	if (random() % 2 && !target->ops->run_now(target, &call.io))
		return call.io.error;
	target->ops->submit(target, &call.io);
	pthread_mutex_lock(&call.lock);
	while (!call.done)
		pthread_cond_wait(&call.changed, &call.lock);
	pthread_mutex_unlock(&call.lock);
	return call.io.error;
}

static int make_files(void **state)
{
	unsigned int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%u", dir, i);
		files[i] = paths[i];
		close(open(paths[i], O_RDWR | O_CREAT, 0600));
		assert_int_equal(truncate(paths[i], SIZE + i * 1000), 0);
	}
	return 0;
}

static int remove_files(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < FILES; i++)
		unlink(paths[i]);
	rmdir(dir);
	return 0;
}

static struct export *open_export(struct export_config *config)
{
	struct enbd_err err = { 0 };
	struct export *export = export_open(config, 4, NULL, &err);

	if (!export)
		fail_msg("%s", err.text);
	return export;
}

/* Random operations, and the same ones on memory */
static void compare(struct export *export)
{
	const uint64_t size = export->target.info.size;
	char *model = malloc(size), *buf = malloc(size);
	unsigned int i, round;

	assert_int_equal(run(export, IO_READ, 0, 0, size, model), 0);
	for (round = 0; round < 300; round++) {
		const uint64_t offset = (uint64_t)random() % size;
		const uint64_t most = random() % 3 ? 20000 : size;
		const uint64_t left = size - offset;
		const uint64_t length = 1 + (uint64_t)random() %
					(left < most ? left : most);

		switch (random() % 8) {
		case 0:
		case 1:
			for (i = 0; i < length; i++)
				buf[i] = (char)random();
			memcpy(model + offset, buf, length);
			assert_int_equal(run(export, IO_WRITE,
					     random() % 32 ? 0 : IO_FUA, offset,
					     length, buf), 0);
			break;
		case 2:
			memset(model + offset, 0, length);
			assert_int_equal(run(export, IO_ZERO,
					     (unsigned int)random() % 2 ?
					     IO_NO_HOLE : 0, offset, length,
					     NULL), 0);
			break;
		case 3:
			assert_int_equal(run(export, IO_TRIM, 0, offset,
					     length, NULL), 0);
			assert_int_equal(run(export, IO_READ, 0, offset,
					     length, model + offset), 0);
			break;
		case 4:
			assert_int_equal(run(export, IO_CACHE, 0, offset,
					     length, NULL), 0);
			break;
		case 5:
			if (random() % 8)
				break;
			assert_int_equal(run(export, IO_FLUSH, 0, 0, 0, NULL),
					 0);
			break;
		default:
			memset(buf, 0xee, length);
			assert_int_equal(run(export, IO_READ, 0, offset,
					     length, buf), 0);
			assert_memory_equal(buf, model + offset, length);
		}
	}
	assert_int_equal(run(export, IO_READ, 0, 0, size, buf), 0);
	assert_memory_equal(buf, model, size);
	free(model);
	free(buf);
}

static void test_one(void **state)
{
	struct export_config config = {
		.name = "one", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config);

	(void)state;
	assert_int_equal(export->target.info.size, SIZE);
	assert_int_equal(export->target.info.block_min, 1);
	compare(export);
	assert_int_equal(export_close(export), 0);
}

static void test_linear(void **state)
{
	struct export_config config = {
		.name = "linear", .files = files, .file_count = FILES,
	};
	struct export *export = open_export(&config);

	(void)state;
	assert_int_equal(export->target.info.size, FILES * SIZE + 10000);
	compare(export);
	assert_int_equal(export_close(export), 0);
}

static void test_stripe(void **state)
{
	struct export_config config = {
		.name = "stripe", .files = files, .file_count = FILES,
		.stripe = 4096,
	};
	struct export *export = open_export(&config);

	(void)state;
	assert_int_equal(export->target.info.size, FILES * SIZE);
	compare(export);
	assert_int_equal(export_close(export), 0);
}

/* What one layout wrote is where the other one finds it. */
static void test_content(void **state)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2, .stripe = 8192,
	};
	struct export *export = open_export(&config);
	char buf[8192 * 4], got[8192];
	unsigned int i;
	int fd;

	(void)state;
	for (i = 0; i < 4; i++)
		memset(buf + i * 8192, 'a' + (int)i, 8192);
	assert_int_equal(run(export, IO_WRITE, 0, 0, sizeof(buf), buf), 0);
	fd = open(paths[1], O_RDONLY);
	assert_int_equal(pread(fd, got, 8192, 8192), 8192);
	assert_memory_equal(got, buf + 3 * 8192, 8192);
	close(fd);
	assert_int_equal(export_close(export), 0);
}

/* More than 2 TiB, sparse, to the last byte */
static void test_large(void **state)
{
	struct export_config config = {
		.name = "large", .files = files, .file_count = 2,
	};
	const uint64_t end = (5ull << 40) + 100;
	struct export *export;
	char buf[100];

	(void)state;
	if (truncate(paths[0], 5ll << 40))
		skip();
	assert_int_equal(truncate(paths[1], 0), 0);
	assert_int_equal(truncate(paths[1], 100), 0);
	export = open_export(&config);
	assert_int_equal(export->target.info.size, end);
	memset(buf, 'z', sizeof(buf));
	assert_int_equal(run(export, IO_WRITE, 0, (5ull << 40) - 50, 100, buf),
			 0);
	assert_int_equal(run(export, IO_READ, 0, end - 60, 20, buf), 0);
	assert_int_equal(buf[9], 'z');
	assert_int_equal(buf[10], 0);
	/* One member might do it, and another one not. */
	assert_int_equal(run(export, IO_ZERO, IO_FAST, 0, end, NULL),
			 EOPNOTSUPP);
	assert_int_equal(run(export, IO_READ, 0, (5ull << 40) - 50, 100, buf),
			 0);
	assert_int_equal(buf[50], 'z');
	assert_int_equal(run(export, IO_ZERO, 0, 0, end, NULL), 0);
	assert_int_equal(run(export, IO_READ, 0, (5ull << 40) - 50, 100, buf),
			 0);
	assert_int_equal(buf[50], 0);
	assert_int_equal(export_close(export), 0);
	assert_int_equal(truncate(paths[0], SIZE), 0);
	assert_int_equal(truncate(paths[1], SIZE + 1000), 0);
}

/* Somebody makes the file shorter while it is served. */
static void test_shrunk(void **state)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config);
	char buf[4096];

	(void)state;
	assert_int_equal(truncate(paths[0], 100), 0);
	assert_int_equal(run(export, IO_READ, 0, 0, 4096, buf), EIO);
	assert_int_equal(run(export, IO_READ, 0, 8192, 4096, buf), EIO);
	assert_int_equal(truncate(paths[0], SIZE), 0);
	assert_int_equal(export_close(export), 0);
}

/* A flush that failed once keeps failing. */
static void test_sticky(void **state)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct export *export = open_export(&config);
	const int good = export->files[1].sync_fd;
	int pipe_fds[2];
	char byte = 'x';

	(void)state;
	assert_int_equal(run(export, IO_FLUSH, 0, 0, 0, NULL), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	export->files[1].sync_fd = pipe_fds[0];	/* EINVAL */
	assert_int_equal(run(export, IO_FLUSH, 0, 0, 0, NULL), EINVAL);
	export->files[1].sync_fd = good;
	assert_int_equal(run(export, IO_FLUSH, 0, 0, 0, NULL), EINVAL);
	assert_int_equal(run(export, IO_WRITE, 0, 0, 1, &byte), 0);
	assert_int_equal(export_close(export), -EINVAL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void refused(struct export_config *config, int code, const char *says)
{
	struct enbd_err err = { 0 };

	assert_null(export_open(config, 1, NULL, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" is not in \"%s\"", says, err.text);
}

static void test_refused(void **state)
{
	char *missing[] = { paths[0], "/nonexistent" };
	char *folder[] = { dir };
	char *device[] = { "/dev/null" };
	struct export_config config = { .name = "x", .file_count = 1 };

	(void)state;
	config.files = missing;
	config.file_count = 2;
	refused(&config, ENBD_EXIT_GENERAL, "/nonexistent: cannot open");
	config.file_count = 1;
	config.files = folder;
	refused(&config, ENBD_EXIT_GENERAL, "cannot open");
	config.read_only = true;
	refused(&config, ENBD_EXIT_USAGE, "neither a file");
	config.files = device;
	refused(&config, ENBD_EXIT_USAGE, "/dev/null: neither a file");
	config.files = files;
	config.stripe = 1 << 30;
	refused(&config, ENBD_EXIT_USAGE, "0 whole stripes");
}

static void test_locks(void **state)
{
	struct export_config writer = {
		.name = "w", .files = files, .file_count = 1,
	};
	struct export_config reader = {
		.name = "r", .files = files, .file_count = 1,
		.read_only = true,
	};
	struct export *one, *two;

	(void)state;
	one = open_export(&writer);
	refused(&writer, ENBD_EXIT_BUSY, "in use by");
	refused(&reader, ENBD_EXIT_BUSY, "in use by test_server_exp");
	assert_int_equal(export_close(one), 0);
	one = open_export(&reader);
	two = open_export(&reader);
	refused(&writer, ENBD_EXIT_BUSY, "in use by");
	assert_int_equal(export_close(one), 0);
	assert_int_equal(export_close(two), 0);
	one = open_export(&writer);
	assert_int_equal(export_close(one), 0);
}

/* Many at once from one thread; closing waits for none of them to be lost. */
static void test_many(void **state)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = FILES,
		.stripe = 4096,
	};
	struct export *export = open_export(&config);
	struct call *calls = calloc(500, sizeof(*calls));
	static char data[500][5000];
	unsigned int i;

	(void)state;
	for (i = 0; i < 500; i++) {
		memset(data[i], (int)i, sizeof(data[i]));
		calls[i].io.op = IO_WRITE;
		calls[i].io.offset = i * 5000ull;
		calls[i].io.length = 5000;
		calls[i].io.buf = data[i];
		calls[i].io.done = call_done;
		pthread_mutex_init(&calls[i].lock, NULL);
		pthread_cond_init(&calls[i].changed, NULL);
		export->target.ops->submit(&export->target, &calls[i].io);
	}
	assert_int_equal(export_close(export), 0);
	for (i = 0; i < 500; i++) {
		assert_true(calls[i].done);
		assert_int_equal(calls[i].io.error, 0);
	}
	free(calls);
	export = open_export(&config);
	for (i = 0; i < 500; i++) {
		char got[5000];

		assert_int_equal(run(export, IO_READ, 0, i * 5000ull, 5000,
				     got), 0);
		assert_memory_equal(got, data[i], 5000);
	}
	assert_int_equal(export_close(export), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_stripe),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_shrunk),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
