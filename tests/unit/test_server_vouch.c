// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/vouch.c tools/enbd-server/marks.c tools/enbd-server/record.c tools/enbd-server/identity.c tools/enbd-server/observe.c tools/enbd-server/holder.c tools/enbd-server/state_dir.c tools/enbd-server/process.c tools/enbd-server/slog.c */
/*
 * What is remembered, with real files and real processes: what changes the
 * verifier and what does not, and who may serve an export.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state_folder.h"
#include "tools/enbd-server/marks.h"
#include "tools/enbd-server/observe.h"
#include "tools/enbd-server/vouch.h"

#define V	IDENTITY_LEN

static uint8_t signature[IDENTITY_LEN] = "the signature of an export";

/* A server of the disk */
struct serving {
	struct vouch *vouch;
	struct io_file file;
};

/* The disk is a block device. */
static bool is_block;

/* What is asked of a block device: its size */
int ioctl(int fd, unsigned long number, ...)
{
	va_list args;

	(void)fd;
	if (number != BLKGETSIZE64) {
		errno = ENOTTY;
		return -1;
	}
	va_start(args, number);
	*va_arg(args, uint64_t *) = 1 << 20;
	va_end(args);
	return 0;
}

/* So far is the clock of the disk's file system ahead of ours, in ns. */
static int64_t ahead;

static void observe(const struct serving *s, struct observed *now)
{
	assert_int_equal(observe_members(&s->file, 1, now), 0);
	assert_int_equal(observe_changed(&s->file, 1), now->changed);
	now->changed += ahead;
}

/* What the kernel tells at the start */
static int loss;

static int find_loss(void *ctx)
{
	(void)ctx;
	/* The end of a server that was killed just when it had been told */
	if (loss < 0)
		_exit(0);
	return loss;
}

/* Start a server. Its verifier is at @verifier. */
static void serve(struct serving *s, uint8_t *verifier)
{
	struct enbd_err err = { 0 };
	struct observed now;

	memset(s, 0, sizeof(*s));
	s->vouch = vouch_open(&state, "x", signature, &err);
	if (!s->vouch)
		fail_msg("%s", err.text);
	s->file.fd = open(disk_path, O_RDWR | O_CLOEXEC);
	assert_true(s->file.fd >= 0);
	s->file.is_block = is_block;
	observe(s, &now);
	if (vouch_begin(s->vouch, &now, find_loss, NULL, &err))
		fail_msg("%s", err.text);
	vouch_verifier(s->vouch, verifier);
}

static void write_disk(struct serving *s)
{
	vouch_writing(s->vouch);
	assert_int_equal(pwrite(s->file.fd, "x", 1, 0), 1);
}

/* End in order. */
static void end(struct serving *s)
{
	struct observed now;

	observe(s, &now);
	vouch_end(s->vouch, &now);
	vouch_close(s->vouch);
	close(s->file.fd);
}

/* What a new server would say, and then it ends in order */
static void ask(uint8_t *verifier)
{
	struct serving s;

	serve(&s, verifier);
	end(&s);
}

/* What a server is doing when it is killed */
static void (*last_act)(struct serving *s);

/* A server in a process of its own that writes and is killed */
static void serve_and_die(uint8_t *verifier)
{
	struct serving s;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		serve(&s, verifier);
		write_disk(&s);
		if (last_act)
			last_act(&s);
		if (write(fds[1], verifier, V) != V)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], verifier, V), V);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	close(fds[1]);
}

/* As if the lease had ended long ago: all slots say so. */
static void end_lease(void)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-", slot[RECORD_SLOT];
	struct record record;
	unsigned int i;
	int fd;

	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	fd = openat(state.fd, name, O_RDWR);
	assert_true(fd >= 0);
	for (i = 0; i < RECORD_SLOTS; i++) {
		assert_int_equal(pread(fd, slot, sizeof(slot),
				       i * RECORD_SLOT), sizeof(slot));
		if (!record_parse(&record, slot))
			continue;
		assert_false(record.clean);
		record.until = 1;
		record_format(&record, slot);
		assert_int_equal(pwrite(fd, slot, sizeof(slot),
					i * RECORD_SLOT), sizeof(slot));
	}
	close(fd);
}

static void test_restart(void **unused)
{
	uint8_t one[V], two[V];
	struct serving s;

	(void)unused;
	ask(one);
	ask(two);
	assert_memory_equal(one, two, V);
	serve(&s, two);
	assert_memory_equal(one, two, V);
	write_disk(&s);
	end(&s);
	ask(two);
	assert_memory_equal(one, two, V);
}

static void test_killed(void **unused)
{
	uint8_t one[V], two[V];
	unsigned int i;

	(void)unused;
	ask(one);
	for (i = 0; i < 3; i++) {
		serve_and_die(two);
		assert_memory_equal(one, two, V);
	}
	ask(two);
	assert_memory_equal(one, two, V);
}

static void restart_host(const char *boot)
{
	struct enbd_err err = { 0 };

	state_dir_close(&state);
	write_file(boot_path, boot);
	assert_int_equal(state_dir_open(&state, &config, &err), 0);
}

/* An orderly end leaves nothing that a restart of the host could lose. */
static void test_host_restarted(void **unused)
{
	uint8_t one[V], two[V];
	struct serving s;

	(void)unused;
	serve(&s, one);
	write_disk(&s);
	end(&s);
	restart_host("boot 2\n");
	ask(two);
	assert_memory_equal(one, two, V);
	/* What has been served since is no longer what was left. */
	serve_and_die(two);
	assert_memory_equal(one, two, V);
	restart_host("boot 3\n");
	ask(two);
	assert_memory_not_equal(one, two, V);
	/* Somebody changes the file on the way. */
	restart_host("boot 4\n");
	write_file(disk_path, "DATA");
	ask(one);
	assert_memory_not_equal(one, two, V);
	/* It could not be written back at the end. */
	serve(&s, two);
	assert_memory_equal(one, two, V);
	vouch_lost(s.vouch);
	end(&s);
	restart_host("boot 5\n");
	ask(two);
	assert_memory_not_equal(one, two, V);
}

/* Nobody knows whether a block device was set back meanwhile. */
static void test_host_of_disk_restarted(void **unused)
{
	uint8_t one[V], two[V];

	(void)unused;
	is_block = true;
	ask(one);
	ask(two);
	assert_memory_equal(one, two, V);
	restart_host("boot 2\n");
	ask(two);
	is_block = false;
	assert_memory_not_equal(one, two, V);
}

static void test_replaced(void **unused)
{
	uint8_t one[V], two[V], three[V];
	char other[80];

	(void)unused;
	ask(one);
	/* The first is kept, so that its inode is not taken again. */
	snprintf(other, sizeof(other), "%s.old", disk_path);
	assert_int_equal(rename(disk_path, other), 0);
	write_file(disk_path, "data");
	ask(two);
	assert_memory_not_equal(one, two, V);
	/* And back: what the second was told is not there. */
	assert_int_equal(rename(other, disk_path), 0);
	ask(three);
	assert_memory_not_equal(one, three, V);
	assert_memory_not_equal(two, three, V);
}

/* After an orderly end each change is seen, whatever the times say. */
static void test_changed_between(void **unused)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1 },
					      { .tv_sec = 1 } };
	uint8_t one[V], two[V];

	(void)unused;
	ask(one);
	write_file(disk_path, "DATA");
	ask(two);
	assert_memory_not_equal(one, two, V);
	ask(one);
	assert_memory_equal(one, two, V);
	assert_int_equal(utimensat(AT_FDCWD, disk_path, long_ago, 0), 0);
	ask(two);
	assert_memory_not_equal(one, two, V);
	/* Longer, without any change of what was there */
	assert_int_equal(truncate(disk_path, 100), 0);
	ask(one);
	assert_memory_not_equal(one, two, V);
}

static void test_changed_after_kill(void **unused)
{
	uint8_t one[V], two[V];

	(void)unused;
	serve_and_die(one);
	/* Our own last write may be as late as the lease says. */
	ask(two);
	assert_memory_equal(one, two, V);
	serve_and_die(one);
	end_lease();
	write_file(disk_path, "DATA");
	ask(two);
	assert_memory_not_equal(one, two, V);
}

static void look(void *ctx)
{
	(void)ctx;
}

static int64_t last_change(void *ctx)
{
	const struct serving *s = ctx;

	return observe_changed(&s->file, 1) + ahead;
}

static const struct vouch_watcher watcher = {
	.look = look,
	.changed = last_change,
};

/* What the file says of its lease */
static int64_t lease(void)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-", slot[RECORD_SLOT];
	struct record record, last = { 0 };
	unsigned int i;
	int fd;

	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	fd = openat(state.fd, name, O_RDONLY);
	for (i = 0; i < RECORD_SLOTS; i++) {
		if (pread(fd, slot, sizeof(slot), i * RECORD_SLOT) ==
		    sizeof(slot) && record_parse(&record, slot) &&
		    record.sequence > last.sequence)
			last = record;
	}
	close(fd);
	return last.until;
}

static void await_lease(int64_t end)
{
	unsigned int i;

	for (i = 0; lease() < end; i++) {
		assert_true(i < 1000);
		usleep(10000);
	}
}

/* A second write after the disk's clock has been seen */
static void write_ahead(struct serving *s)
{
	int64_t end;

	vouch_watch(s->vouch, &watcher, s);
	ahead = 3600 * 1000000000ll;
	end = last_change(s) + VOUCH_LEASE_MS * 1000000ll;
	await_lease(end);
	assert_int_equal(pwrite(s->file.fd, "y", 1, 0), 1);
}

/* A file system whose clock is ahead of ours, as another machine's may be */
static void test_clock_ahead(void **unused)
{
	uint8_t one[V], two[V];

	(void)unused;
	last_act = write_ahead;
	serve_and_die(one);
	last_act = NULL;
	ahead = 3600 * 1000000000ll;
	serve_and_die(two);
	assert_memory_equal(one, two, V);
	serve_and_die(two);
	assert_memory_equal(one, two, V);
	/* And still it is noticed when there was somebody else. */
	ahead += VOUCH_LEASE_MS * 1000000ll + 5000000000ll;
	write_file(disk_path, "DATA");
	ask(two);
	assert_memory_not_equal(one, two, V);
	ahead = 0;
}

/* Somebody else makes the file longer while it is served, and we have seen that. */
static void test_noticed(void **unused)
{
	struct serving s;
	uint8_t one[V], two[V];
	int64_t end;

	(void)unused;
	ask(one);
	serve(&s, two);
	assert_memory_equal(one, two, V);
	end = lease();
	usleep(20000);
	assert_int_equal(truncate(disk_path, 100), 0);
	assert_true(observe_changed(&s.file, 1) > end);
	vouch_noticed(s.vouch);
	await_lease(observe_changed(&s.file, 1));
	/* Killed */
	vouch_close(s.vouch);
	close(s.file.fd);
	ask(two);
	assert_memory_equal(one, two, V);
}

static void test_lost(void **unused)
{
	uint8_t one[V], two[V], three[V];
	struct serving s;

	(void)unused;
	serve(&s, one);
	vouch_lost(s.vouch);
	vouch_verifier(s.vouch, two);
	assert_memory_not_equal(one, two, V);
	vouch_lost(s.vouch);
	vouch_verifier(s.vouch, three);
	assert_memory_not_equal(two, three, V);
	/* It is killed right after that. */
	vouch_close(s.vouch);
	close(s.file.fd);
	ask(one);
	assert_memory_equal(one, three, V);
}

/*
 * The kernel could not write back what a server had taken before it was killed,
 * or what was there before the first one.
 */
static void test_lost_meanwhile(void **unused)
{
	uint8_t one[V], two[V];
	pid_t pid;

	(void)unused;
	loss = EIO;
	ask(one);
	loss = 0;
	ask(two);
	assert_memory_equal(one, two, V);
	serve_and_die(two);
	loss = EIO;
	ask(two);
	assert_memory_not_equal(one, two, V);
	loss = 0;
	ask(one);
	assert_memory_equal(one, two, V);
	/* Killed before that was written down: nobody is told again. */
	pid = fork();
	if (!pid) {
		loss = -1;
		ask(one);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	ask(two);
	assert_memory_not_equal(one, two, V);
}

static void ask_kernel(struct serving *s)
{
	vouch_ask(s->vouch, 0);
	vouch_ask(s->vouch, MEMBERS_MAX - 1);
	vouch_told(s->vouch, 0);
}

static void ask_and_hear(struct serving *s)
{
	ask_kernel(s);
	vouch_told(s->vouch, MEMBERS_MAX - 1);
}

/* As if it had been so long ago: the last server was killed then. */
static void age_marks(unsigned int ms)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-";
	int64_t since;
	int fd, marks;

	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	fd = openat(state.fd, name, O_RDWR);
	marks = marks_open(fd);
	since = marks_oldest(marks);
	assert_true(since);
	assert_int_equal(mark_set(marks, MEMBERS_MAX - 1,
				  since - ms * 1000000ll), 0);
	close(marks);
	close(fd);
}

/* How many of the files with marks are there? Removes them. */
static unsigned int mark_files(void)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-", path[80];
	unsigned int count;
	struct stat st;
	int fd;

	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	fd = openat(state.fd, name, O_RDWR);
	if (fd < 0)
		return 0;
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(path, sizeof(path), "/dev/shm/enbd-server-%lx-%lx",
		 (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	count = !access(path, F_OK);
	marks_remove(fd);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
	return count;
}

static int clean_up(void **unused)
{
	mark_files();
	return teardown(unused);
}

/*
 * Killed while it waited for what the kernel has to say of its writes. Nobody
 * will hear that: if it can have been bad, it was.
 */
static void test_unheard(void **unused)
{
	uint8_t one[V], two[V];
	struct serving s;

	(void)unused;
	last_act = ask_kernel;
	serve_and_die(one);
	ask(two);
	assert_memory_equal(one, two, V);
	serve_and_die(two);
	assert_memory_equal(one, two, V);
	age_marks(VOUCH_ASK_MS);
	ask(two);
	assert_memory_not_equal(one, two, V);
	/* Once */
	last_act = ask_and_hear;
	serve_and_die(one);
	assert_memory_equal(one, two, V);
	ask(two);
	assert_memory_equal(one, two, V);
	last_act = NULL;
	/* An orderly end has heard everything. */
	serve(&s, one);
	ask_kernel(&s);
	end(&s);
	assert_int_equal(mark_files(), 0);
	ask(two);
	assert_memory_equal(one, two, V);
	serve_and_die(two);
	ask(two);
	assert_memory_equal(one, two, V);
}

/* One slot was being written when the power failed. */
static void test_torn(void **unused)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-";
	uint8_t one[V], two[V];
	unsigned int i;
	int fd;

	(void)unused;
	ask(one);
	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	for (i = 0; i < RECORD_SLOTS; i++) {
		struct serving s;

		/* Both slots say "serving" and mean the same. */
		serve(&s, two);
		vouch_lost(s.vouch);
		vouch_verifier(s.vouch, one);
		atomic_store(&s.vouch->busy, false);
		vouch_writing(s.vouch);
		vouch_close(s.vouch);
		close(s.file.fd);
		fd = openat(state.fd, name, O_RDWR);
		assert_int_equal(pwrite(fd, "torn", 4, i * RECORD_SLOT), 4);
		close(fd);
		ask(two);
		assert_memory_equal(one, two, V);
	}
	/* None is left: begin anew. */
	fd = openat(state.fd, name, O_RDWR);
	assert_int_equal(pwrite(fd, "torn", 4, 0), 4);
	assert_int_equal(pwrite(fd, "torn", 4, RECORD_SLOT), 4);
	close(fd);
	ask(two);
	assert_memory_not_equal(one, two, V);
}

static void test_lock(void **unused)
{
	struct enbd_err err = { 0 };
	struct serving s;
	uint8_t one[V];

	(void)unused;
	serve(&s, one);
	assert_null(vouch_open(&state, "x", signature, &err));
	assert_int_equal(err.code, ENBD_EXIT_BUSY);
	assert_non_null(strstr(err.text, "is served by test_server_vou"));
	end(&s);
	ask(one);
}

/* Who could not open its members leaves no trace. */
static void test_no_trace(void **unused)
{
	char name[16 + 2 * IDENTITY_LEN] = "export-";
	struct enbd_err err = { 0 };
	struct vouch *vouch;

	(void)unused;
	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	vouch = vouch_open(&state, "x", signature, &err);
	assert_non_null(vouch);
	assert_int_equal(faccessat(state.fd, name, F_OK, 0), 0);
	vouch_close(vouch);
	assert_int_equal(faccessat(state.fd, name, F_OK, 0), -1);
}

/* A thread that is still at the disk when the process has been killed */
static void *late_thread(void *arg)
{
	char byte;

	if (read(*(int *)arg, &byte, 1) < 0)
		abort();
	_exit(0);
}

static void *end_late(void *arg)
{
	/* Until the main thread waits for the lock; what if not is right too */
	usleep(200000);
	if (write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

/*
 * The predecessor's first thread has ended, another one has not: nobody may
 * serve the export before that.
 */
static void test_predecessor(void **unused)
{
	int ready[2], go[2], status;
	struct timespec t1, t2;
	pthread_t thread;
	struct serving s;
	uint8_t one[V], two[V];
	pid_t pid;

	(void)unused;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		serve(&s, one);
		write_disk(&s);
		if (pthread_create(&thread, NULL, late_thread, &go[0]) ||
		    write(ready[1], one, V) != V)
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ready[0], one, V), V);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_int_equal(pthread_create(&thread, NULL, end_late, &go[1]), 0);
	serve(&s, two);
	clock_gettime(CLOCK_MONOTONIC, &t2);
	assert_memory_equal(one, two, V);
	assert_true((t2.tv_sec - t1.tv_sec) * 1000 +
		    (t2.tv_nsec - t1.tv_nsec) / 1000000 >= 190);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(pthread_join(thread, NULL), 0);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_restart, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_killed, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_host_restarted, setup,
						clean_up),
		cmocka_unit_test_setup_teardown(test_host_of_disk_restarted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_changed_between, setup,
						clean_up),
		cmocka_unit_test_setup_teardown(test_changed_after_kill, setup,
						clean_up),
		cmocka_unit_test_setup_teardown(test_clock_ahead, setup,
						clean_up),
		cmocka_unit_test_setup_teardown(test_noticed, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_lost, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_lost_meanwhile, setup,
						clean_up),
		cmocka_unit_test_setup_teardown(test_unheard, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_torn, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_lock, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_no_trace, setup, clean_up),
		cmocka_unit_test_setup_teardown(test_predecessor, setup,
						clean_up),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
