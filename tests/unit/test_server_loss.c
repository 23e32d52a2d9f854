// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/export.c tools/enbd-server/export_io.c tools/enbd-server/export_loss.c tools/enbd-server/export_size.c tools/enbd-server/export_syncfs.c tools/enbd-server/sessions.c tools/enbd-server/identity.c tools/enbd-server/record.c tools/enbd-server/observe.c tools/enbd-server/vouch.c tools/enbd-server/marks.c tools/enbd-server/holder.c tools/enbd-server/state_dir.c tools/enbd-server/member.c tools/enbd-server/layout.c tools/enbd-server/engine_pool.c tools/enbd-server/file_ops.c tools/enbd-server/process.c tools/enbd-server/slog.c */
/*
 * What an export does when the kernel could not write data back, and that it
 * grows. The disk's fdatasync() is this test's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/export.h"
#include "tools/enbd-server/marks.h"
#include "tools/enbd-server/sessions.h"
#include "tools/enbd-server/slog.h"
#include "tools/enbd-server/state_dir.h"
#include "tools/enbd-server/util.h"

#define FLUSHES	10
#define DEADLINE_S 20
#include "loss_export.h"

/* A connection that was told the verifier */
static void retire(struct binding *binding)
{
	(void)binding;
	atomic_fetch_add(&retired, 1);
}

static const struct binding_ops peer_ops = { .retire = retire };

/* The whole story: found by one flush, known to all, and after a restart */
static void test_loss(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct export *export = open_export(&config, &state);
	struct target_identity before, after, restarted;
	struct binding peer = { .ops = &peer_ops };
	struct call call;

	(void)unused;
	identify(export, &before);
	assert_true(before.features & ENBD_FEATURE_VERIFIER);
	sessions_join(export->target.sessions, &peer);
	assert_int_equal(flush(export, 0), 0);
	assert_int_equal(atomic_load(&retired), 0);
	sync_of.fd = export->files[1].sync_fd;
	sync_of.error = ENOSPC;
	begin(export, &call, IO_FLUSH, 0);
	assert_int_equal(await(&call), ENOSPC);
	/* Who was told the old one is on the way out before anybody hears. */
	assert_int_equal(call.retired, 1);
	identify(export, &after);
	assert_memory_not_equal(before.verifier, after.verifier, 32);
	assert_memory_equal(before.signature, after.signature, 32);
	assert_int_equal(atomic_load(&export->target.epoch), 1);
	/* Those that were there cannot be told that all is well again. */
	assert_int_equal(flush(export, 0), ENOSPC);
	assert_int_equal(flush(export, 1), 0);
	sessions_leave(export->target.sessions, &peer);
	assert_int_equal(atomic_load(&retired), 1);
	assert_int_equal(export_close(export), -ENOSPC);
	sync_of.fd = -1;
	export = open_export(&config, &state);
	identify(export, &restarted);
	assert_memory_equal(after.verifier, restarted.verifier, 32);
	assert_int_equal(flush(export, 0), 0);
	assert_int_equal(export_close(export), 0);
}

/* The log hears of it when all has been done: it may wait for this disk. */
static struct export *losing;
static bool heard;

static void hear(int priority, const char *text)
{
	(void)priority;
	if (!strstr(text, "could not be written back"))
		return;
	assert_int_equal(atomic_load(&losing->target.epoch), 1);
	assert_int_equal(atomic_load(&retired), 1);
	heard = true;
}

static void test_log_last(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct binding peer = { .ops = &peer_ops };

	(void)unused;
	losing = open_export(&config, &state);
	sessions_join(losing->target.sessions, &peer);
	slog_deliver(hear);
	sync_of.fd = losing->files[0].sync_fd;
	sync_of.error = EIO;
	assert_int_equal(flush(losing, 0), EIO);
	assert_true(heard);
	slog_deliver(slog_write);
	sessions_leave(losing->target.sessions, &peer);
	sync_of.fd = -1;
	assert_int_equal(export_close(losing), -EIO);
}

/* The last sync of an orderly end fails: nobody has been told, so they are. */
static void test_loss_at_the_end(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	struct target_identity before, after;

	(void)unused;
	identify(export, &before);
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	assert_int_equal(export_close(export), -EIO);
	sync_of.fd = -1;
	export = open_export(&config, &state);
	identify(export, &after);
	assert_memory_not_equal(before.verifier, after.verifier, 32);
	assert_int_equal(export_close(export), 0);
}

/* Without a place to remember it, it is not forgotten before the end. */
static void test_loss_without_state(void **unused)
{
	struct server_config nowhere = { .state_dir = "-" };
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1, .secret = "s",
	};
	struct enbd_err err = { 0 };
	struct state_dir none;
	struct target_identity id, same;
	struct export *export;

	(void)unused;
	assert_int_equal(state_dir_open(&none, &nowhere, &err), 0);
	export = open_export(&config, &none);
	identify(export, &id);
	assert_false(id.features & ENBD_FEATURE_VERIFIER);
	assert_int_equal(id.verifier[0], 0);
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	assert_int_equal(flush(export, 0), EIO);
	assert_int_equal(flush(export, 0), EIO);
	assert_int_equal(flush(export, 1), EIO);
	assert_int_equal(export_close(export), -EIO);
	sync_of.fd = -1;
	export = open_export(&config, &none);
	identify(export, &same);
	assert_memory_equal(id.signature, same.signature, 32);
	assert_int_equal(export_close(export), 0);
}

/*
 * Flushes that come while one is under way become one, and it begins when the
 * first is answered: the kernel tells of a loss only once.
 */
static void test_flushes_meet(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	struct call first, others[FLUSHES];
	unsigned int i;

	(void)unused;
	sync_of.fd = export->files[0].sync_fd;
	set_hold(true);
	begin(export, &first, IO_FLUSH, 0);
	await_calls(1);
	for (i = 0; i < FLUSHES; i++)
		begin(export, &others[i], IO_FLUSH, 0);
	sync_of.error = EIO;
	set_hold(false);
	assert_int_equal(await(&first), EIO);
	for (i = 0; i < FLUSHES; i++)
		assert_int_equal(await(&others[i]), EIO);
	assert_int_equal(sync_of.calls, 2);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -EIO);
}

/* One fdatasync() that fails is one loss, however many it was for. */
static void test_one_loss(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	struct call first, others[FLUSHES];
	unsigned int i;

	(void)unused;
	sync_of.fd = export->files[0].sync_fd;
	sync_of.fail_at = 2;
	sync_of.error = EIO;
	set_hold(true);
	begin(export, &first, IO_FLUSH, 0);
	await_calls(1);
	for (i = 0; i < FLUSHES; i++)
		begin(export, &others[i], IO_FLUSH, 0);
	set_hold(false);
	assert_int_equal(await(&first), 0);
	for (i = 0; i < FLUSHES; i++)
		assert_int_equal(await(&others[i]), EIO);
	assert_int_equal(sync_of.calls, 2);
	assert_int_equal(atomic_load(&export->target.epoch), 1);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -EIO);
}

/* What has FUA finds a loss like a flush, and nobody else hides it from it. */
static void test_fua(void **unused)
{
	static const enum io_op ops[] = { IO_WRITE, IO_ZERO, IO_TRIM };
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	struct target_identity before, after;
	struct call calls[FLUSHES], first;
	unsigned int i;

	(void)unused;
	sync_of.fd = export->files[0].sync_fd;
	for (i = 0; i < 3; i++) {
		identify(export, &before);
		begin_fua(export, &first, ops[i]);
		assert_int_equal(await(&first), 0);
		sync_of.error = EIO;
		begin_fua(export, &first, ops[i]);
		assert_int_equal(await(&first), EIO);
		assert_int_equal(atomic_load(&export->target.epoch), i + 1);
		identify(export, &after);
		assert_memory_not_equal(before.verifier, after.verifier, 32);
	}
	/* One error is for all that were under way, and is one loss. */
	sync_of.fail_at = sync_of.calls + 2;
	set_hold(true);
	begin_fua(export, &first, IO_WRITE);
	await_calls(sync_of.fail_at - 1);
	for (i = 0; i < FLUSHES; i++)
		begin_fua(export, &calls[i], IO_WRITE);
	sync_of.error = EIO;
	set_hold(false);
	assert_int_equal(await(&first), 0);
	for (i = 0; i < FLUSHES; i++)
		assert_int_equal(await(&calls[i]), EIO);
	assert_int_equal(atomic_load(&export->target.epoch), 4);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -EIO);
}

/* As long as the loss cannot be written down nobody is told that all is well. */
static void test_loss_unsaved(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	struct target_identity before, after, restarted;
	const long long until = now_ms() + DEADLINE_S * 1000;

	(void)unused;
	identify(export, &before);
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	sync_of.others = EIO;
	assert_int_equal(flush(export, 0), EIO);
	assert_int_equal(export->target.ops->identify(&export->target, &after),
			 EIO);
	pthread_mutex_lock(&sync_of.lock);
	sync_of.others = 0;
	pthread_mutex_unlock(&sync_of.lock);
	while (export->target.ops->identify(&export->target, &after)) {
		assert_true(now_ms() < until);
		usleep(10000);
	}
	assert_memory_not_equal(before.verifier, after.verifier, 32);
	assert_int_equal(export_close(export), -EIO);
	sync_of.fd = -1;
	export = open_export(&config, &state);
	identify(export, &restarted);
	assert_memory_equal(after.verifier, restarted.verifier, 32);
	assert_int_equal(export_close(export), 0);
}

/* The state directory's disk hangs: who says HELLO is not kept waiting. */
static void test_loss_slow_to_save(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);
	const struct timespec until = deadline();
	struct target_identity before, after;
	struct call call;

	(void)unused;
	identify(export, &before);
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	sync_of.hold_others = true;
	begin(export, &call, IO_FLUSH, 0);
	pthread_mutex_lock(&sync_of.lock);
	while (!sync_of.others_held)
		assert_int_equal(pthread_cond_timedwait(&sync_of.changed,
							&sync_of.lock, &until),
				 0);
	pthread_mutex_unlock(&sync_of.lock);
	assert_int_equal(export->target.ops->identify(&export->target, &after),
			 EIO);
	/* Nobody hears of the loss before it is written down. */
	assert_false(call.done);
	assert_int_equal(atomic_load(&export->target.epoch), 0);
	pthread_mutex_lock(&sync_of.lock);
	sync_of.hold_others = false;
	pthread_cond_broadcast(&sync_of.changed);
	pthread_mutex_unlock(&sync_of.lock);
	assert_int_equal(await(&call), EIO);
	identify(export, &after);
	assert_memory_not_equal(before.verifier, after.verifier, 32);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -EIO);
}

/* A loss that cannot be written down: that there was a question stays known. */
static void test_loss_unsaved_and_killed(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export *export = open_export(&config, &state);

	(void)unused;
	export->files[0].is_block = true;
	assert_int_equal(flush(export, 0), 0);
	assert_int_equal(question(), 0);
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	sync_of.others = EIO;
	assert_int_equal(flush(export, 0), EIO);
	/* That is decided after the answer. */
	usleep(200000);
	assert_true(question());
	sync_of.others = 0;
	assert_int_equal(export_close(export), -EIO);
	sync_of.fd = -1;
}

/* Two members: who has flushed one may still wait for the other. */
static void test_loss_of_one_member(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct export *export = open_export(&config, &state);
	struct call one, two;

	(void)unused;
	/* The second member's flush hangs, after the first one's has failed. */
	sync_of.fd = export->files[0].sync_fd;
	sync_of.error = EIO;
	set_hold(true);
	begin(export, &one, IO_FLUSH, 0);
	await_calls(1);
	begin(export, &two, IO_FLUSH, 0);
	set_hold(false);
	assert_int_equal(await(&one), EIO);
	assert_int_equal(await(&two), EIO);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -EIO);
}

/* Wait for so many more looks. */
static void await_looks(unsigned int count)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&sync_of.lock);
	count += looks.calls;
	while (looks.calls < count)
		assert_int_equal(pthread_cond_timedwait(&sync_of.changed,
							&sync_of.lock, &until),
				 0);
	pthread_mutex_unlock(&sync_of.lock);
}

static void await_epoch(struct export *export, unsigned int epoch)
{
	const long long until = now_ms() + DEADLINE_S * 1000;

	while (atomic_load(&export->target.epoch) != epoch) {
		assert_true(now_ms() < until);
		usleep(10000);
	}
}

/* Found although nobody flushes, and by nobody else, and only once */
static void test_look(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct export *export = open_export(&config, &state);
	struct target_identity before, after;
	struct binding peer = { .ops = &peer_ops };
	struct call call, held;

	(void)unused;
	/* One at the start, and none while nothing is written */
	assert_int_equal(looks.calls, 2);
	assert_int_equal(looks.syncfs_calls, 0);
	identify(export, &before);
	sessions_join(export->target.sessions, &peer);
	memset(&call, 0, sizeof(call));
	call.io.op = IO_WRITE;
	call.io.length = sizeof(block);
	call.io.buf = block;
	call.io.done = call_done;
	export->target.ops->submit(&export->target, &call.io);
	assert_int_equal(await(&call), 0);
	await_looks(4);
	/* A flush that hangs: others are still looked at. */
	sync_of.fd = export->files[0].sync_fd;
	set_hold(true);
	begin(export, &held, IO_FLUSH, 0);
	await_calls(1);
	await_looks(1);
	pthread_mutex_lock(&sync_of.lock);
	looks.error = ENOSPC;
	pthread_mutex_unlock(&sync_of.lock);
	await_epoch(export, 1);
	identify(export, &after);
	assert_memory_not_equal(before.verifier, after.verifier, 32);
	assert_int_equal(atomic_load(&retired), 1);
	set_hold(false);
	assert_int_equal(await(&held), ENOSPC);
	assert_int_equal(flush(export, 0), ENOSPC);
	assert_int_equal(flush(export, 1), 0);
	await_looks(4);
	assert_int_equal(atomic_load(&export->target.epoch), 1);
	sessions_leave(export->target.sessions, &peer);
	sync_of.fd = -1;
	assert_int_equal(export_close(export), -ENOSPC);
}

/* A server that is killed, or not */
static void serve_and_end(struct export_config *config, bool killed)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct export *export = open_export(config, &state);

		if (!killed)
			export_close(export);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void ask(struct export **exports, size_t count)
{
	struct enbd_err err = { 0 };

	assert_int_equal(exports_ask(exports, count, &err), 0);
	exports_end_asking(exports, count);
}

/* What was lost between a server that was killed and the next one */
static void test_loss_meanwhile(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct target_identity one, two;
	struct export *export;

	(void)unused;
	serve_and_end(&config, false);
	export = open_export(&config, &state);
	identify(export, &one);
	assert_int_equal(export_close(export), 0);
	assert_int_equal(looks.syncfs_calls, 0);

	/* Nothing is, as far as files are known */
	serve_and_end(&config, true);
	export = open_export(&config, &state);
	identify(export, &two);
	assert_memory_equal(one.verifier, two.verifier, 32);
	/* Looks, though nothing is written: something may still be on its way. */
	looks.calls = 0;
	await_looks(2);
	/* Each file system once */
	ask(&export, 1);
	assert_int_equal(export_close(export), 0);
	assert_int_equal(looks.syncfs_calls, 1);
	assert_int_equal(looks.syncfs_asked, 1);

	serve_and_end(&config, true);
	looks.error = EIO;
	export = open_export(&config, &state);
	identify(export, &two);
	assert_memory_not_equal(one.verifier, two.verifier, 32);
	/* Nobody was there who would have to be told in another way. */
	assert_int_equal(atomic_load(&export->target.epoch), 0);
	ask(&export, 1);
	assert_int_equal(export_close(export), 0);

	/* The file's own memory of it is gone, that of its file system is not. */
	serve_and_end(&config, true);
	looks.syncfs_errors = UINT_MAX;
	export = open_export(&config, &state);
	ask(&export, 1);
	assert_int_equal(atomic_load(&export->target.epoch), 1);
	identify(export, &one);
	assert_memory_not_equal(one.verifier, two.verifier, 32);
	assert_int_equal(export_close(export), -EIO);
}

/* A file system tells of a loss: that of all exports on it */
static void test_file_system(void **unused)
{
	struct export_config configs[] = {
		{ .name = "a", .files = &files[0], .file_count = 1 },
		{ .name = "b", .files = &files[1], .file_count = 1 },
	};
	struct target_identity before[2], after;
	struct export *exports[2];
	unsigned int i;

	(void)unused;
	for (i = 0; i < 2; i++) {
		serve_and_end(&configs[i], true);
		exports[i] = open_export(&configs[i], &state);
		identify(exports[i], &before[i]);
	}
	/* A start that is given up asks nobody, and the next one has to. */
	for (i = 0; i < 2; i++)
		assert_int_equal(export_close(exports[i]), 0);
	assert_int_equal(looks.syncfs_calls, 0);
	for (i = 0; i < 2; i++)
		exports[i] = open_export(&configs[i], &state);
	/* As if the second one was killed before it hears by itself */
	looks.syncfs_errors = 1;
	ask(exports, 2);
	assert_int_equal(looks.syncfs_calls, 2);
	for (i = 0; i < 2; i++) {
		identify(exports[i], &after);
		assert_memory_not_equal(before[i].verifier, after.verifier, 32);
		assert_int_equal(export_close(exports[i]), -EIO);
	}
	/* Those ended in order. */
	exports[0] = open_export(&configs[0], &state);
	ask(exports, 1);
	assert_int_equal(export_close(exports[0]), 0);
	assert_int_equal(looks.syncfs_calls, 2);
}

static void look(struct export *export)
{
	atomic_store(&export->next_look, 0);
	export->target.ops->refresh(&export->target);
}

static void test_grow(void **unused)
{
	struct export_config config = {
		.name = "x", .files = files, .file_count = 2,
	};
	struct export *export = open_export(&config, &state);
	struct target *target = &export->target;
	struct target_identity id;
	struct call call = { .io = { .op = IO_WRITE, .done = call_done } };
	char data[100] = "data", got[100];
	struct stat st;
	int fd;

	(void)unused;
	identify(export, &id);
	assert_true(id.features & ENBD_FEATURE_RESIZE);
	look(export);
	assert_int_equal(target->info.size, 2 << 20);
	/* In front of another one it cannot grow; shorter it never becomes. */
	assert_int_equal(truncate(disk_path, 5 << 20), 0);
	look(export);
	assert_int_equal(target->info.size, 2 << 20);
	assert_int_equal(truncate(other_path, 100), 0);
	look(export);
	assert_int_equal(target->info.size, 2 << 20);
	assert_int_equal(truncate(other_path, (4 << 20) + 1), 0);
	/* Not at every look */
	target->ops->refresh(target);
	assert_int_equal(target->info.size, 2 << 20);
	look(export);
	assert_int_equal(target->info.size, (5 << 20) + 1);
	call.io.offset = (5 << 20) - 99;
	call.io.length = sizeof(data);
	call.io.buf = data;
	target->ops->submit(target, &call.io);
	assert_int_equal(await(&call), 0);
	fd = open(other_path, O_RDONLY);
	assert_int_equal(pread(fd, got, sizeof(got), (4 << 20) - 99), 100);
	assert_memory_equal(data, got, sizeof(data));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, (4 << 20) + 1);
	close(fd);
	assert_int_equal(export_close(export), 0);
	/* Stripes do not grow. */
	config.stripe = 4096;
	export = open_export(&config, &state);
	identify(export, &id);
	assert_false(id.features & ENBD_FEATURE_RESIZE);
	look(export);
	assert_int_equal(export_close(export), 0);
}

/* Two of the same name and secret are not served at the same time. */
static void test_same_signature(void **unused)
{
	struct export_config one = {
		.name = "x", .files = files, .file_count = 1,
	};
	struct export_config two = {
		.name = "x", .files = files + 1, .file_count = 1,
	};
	struct export *export = open_export(&one, &state), *reader;
	struct target_identity a, b;
	struct enbd_err err = { 0 };

	(void)unused;
	assert_null(export_open(&two, 1, &state, &err));
	assert_int_equal(err.code, ENBD_EXIT_BUSY);
	/* Reading is no matter. */
	two.read_only = true;
	reader = open_export(&two, &state);
	identify(reader, &a);
	assert_int_equal(export_close(reader), 0);
	assert_int_equal(export_close(export), 0);
	/* Neither has one to do with one of another name. */
	two.read_only = false;
	two.name = "y";
	export = open_export(&one, &state);
	reader = open_export(&two, &state);
	identify(export, &a);
	identify(reader, &b);
	assert_memory_not_equal(a.signature, b.signature, 32);
	assert_memory_not_equal(a.verifier, b.verifier, 32);
	assert_int_equal(export_close(export), 0);
	assert_int_equal(export_close(reader), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss_at_the_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loss_without_state, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_flushes_meet, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loss_of_one_member, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_one_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fua, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss_unsaved, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loss_slow_to_save, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loss_unsaved_and_killed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_look, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss_meanwhile, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_file_system, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_signature, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
