// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/vouch.c tools/enbd-server/marks.c tools/enbd-server/record.c tools/enbd-server/identity.c tools/enbd-server/observe.c tools/enbd-server/disk_name.c tools/enbd-server/holder.c tools/enbd-server/state_dir.c tools/enbd-server/process.c tools/enbd-server/slog.c */
/*
 * The state directory, with real files and real processes: what changes the
 * verifier and what does not, and who may serve an export.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/marks.h"
#include "tools/enbd-server/observe.h"
#include "tools/enbd-server/vouch.h"

#define V	IDENTITY_LEN

static char dir[] = "/tmp/test_server_vouch.XXXXXX";
static char state_path[64], disk_path[64], boot_path[64], secret_path[64];
static struct server_config config;
static struct state_dir state;
static uint8_t signature[IDENTITY_LEN] = "the signature of an export";

static void write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int make_dir(void **unused)
{
	(void)unused;
	assert_non_null(mkdtemp(dir));
	snprintf(state_path, sizeof(state_path), "%s/state", dir);
	snprintf(disk_path, sizeof(disk_path), "%s/disk", dir);
	snprintf(boot_path, sizeof(boot_path), "%s/boot", dir);
	snprintf(secret_path, sizeof(secret_path), "%s/state/secret", dir);
	config.state_dir = state_path;
	config.boot_id_file = boot_path;
	return 0;
}

static int remove_dir(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Each test begins with an empty folder. */
static int setup(void **unused)
{
	struct enbd_err err = { 0 };
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf %s/*", dir);
	assert_int_equal(system(command), 0);
	write_file(boot_path, "boot 1\n");
	write_file(disk_path, "data");
	if (state_dir_open(&state, &config, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	state_dir_close(&state);
	return 0;
}

/* A server of the disk */
struct serving {
	struct vouch *vouch;
	struct io_file file;
};

static void observe(const struct serving *s, struct observed *now)
{
	assert_int_equal(observe_members(&s->file, 1, now), 0);
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
	int fd;

	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
	fd = openat(state.fd, name, O_RDWR);
	since = marks_oldest(fd);
	assert_true(since);
	assert_int_equal(mark_set(fd, MEMBERS_MAX - 1,
				  since - ms * 1000000ll), 0);
	close(fd);
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
	age_marks(VOUCH_ASK_MS);
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

static void test_secret(void **unused)
{
	struct enbd_err err = { 0 };
	struct state_dir again;
	struct stat st;

	(void)unused;
	assert_int_equal(stat(secret_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(state_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(state_dir_open(&again, &config, &err), 0);
	assert_memory_equal(again.secret, state.secret, SECRET_LEN);
	state_dir_close(&again);
	/* Another folder, another secret */
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(state_dir_open(&again, &config, &err), 0);
	assert_memory_not_equal(again.secret, state.secret, SECRET_LEN);
	state_dir_close(&again);
}

/* Many servers at once make one secret. */
static void test_secret_race(void **unused)
{
	uint8_t one[SECRET_LEN], two[SECRET_LEN];
	struct enbd_err err = { 0 };
	struct state_dir again;
	unsigned int round, i;
	int fds[2];

	(void)unused;
	for (round = 0; round < 20; round++) {
		assert_int_equal(unlink(secret_path), 0);
		assert_int_equal(pipe(fds), 0);
		for (i = 0; i < 4; i++) {
			if (fork())
				continue;
			if (state_dir_open(&again, &config, &err) ||
			    write(fds[1], again.secret, SECRET_LEN) !=
			    SECRET_LEN)
				_exit(1);
			_exit(0);
		}
		close(fds[1]);
		for (i = 0; i < 4; i++) {
			assert_int_equal(read(fds[0], i ? two : one,
					      SECRET_LEN), SECRET_LEN);
			if (i)
				assert_memory_equal(one, two, SECRET_LEN);
		}
		close(fds[0]);
		while (wait(NULL) > 0)
			;
	}
}

static void test_unusable(void **unused)
{
	struct server_config other = { .boot_id_file = boot_path };
	struct enbd_err err = { 0 };
	struct state_dir one, two;
	char path[80];

	(void)unused;
	/* A damaged secret is not replaced: clients would be shut out. */
	write_file(secret_path, "abc\n");
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "is damaged"));
	/* Nor is one believed that somebody else may know or have made. */
	assert_int_equal(chmod(secret_path, 0640), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "others may"));
	assert_int_equal(chmod(secret_path, 0600), 0);
	assert_int_equal(chmod(state_path, 0770), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "others may"));
	assert_int_equal(chmod(state_path, 0700), 0);
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(symlink(boot_path, secret_path), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "symbolic link"));
	snprintf(path, sizeof(path), "%s/no/such", dir);
	other.state_dir = path;
	assert_int_equal(state_dir_open(&one, &other, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	/* None is wanted: a secret that stays the same, no warning */
	other.state_dir = "-";
	assert_int_equal(state_dir_open(&one, &other, &err), 0);
	assert_int_equal(state_dir_open(&two, &other, &err), 0);
	assert_int_equal(one.fd, -1);
	assert_string_equal(one.warning, "");
	assert_memory_equal(one.secret, two.secret, SECRET_LEN);
	/* The boot must have a name. */
	assert_int_equal(unlink(secret_path), 0);
	write_file(boot_path, "");
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "names this boot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_restarted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_between, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_changed_after_kill, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_meanwhile, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unheard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_predecessor, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_race, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unusable, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
