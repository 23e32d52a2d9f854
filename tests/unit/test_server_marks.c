// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/marks.c */
/* Where marks are, and what others may have put there. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/marks.h"

static int state_fd;
static char path[80];

static int setup(void **state)
{
	char name[] = "/tmp/test_server_marks.XXXXXX";
	struct stat st;

	(void)state;
	state_fd = mkstemp(name);
	assert_true(state_fd >= 0);
	unlink(name);
	assert_int_equal(fstat(state_fd, &st), 0);
	snprintf(path, sizeof(path), "/dev/shm/enbd-server-%lx-%lx",
		 (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	marks_remove(state_fd);
	close(state_fd);
	return 0;
}

/* Not in the file of the export, whose disk may be the one that is asked */
static void test_memory(void **state)
{
	struct stat st;
	int one, two;

	(void)state;
	one = marks_open(state_fd);
	assert_int_equal(marks_oldest(one), 0);
	assert_int_equal(mark_set(one, 5, 7000), 0);
	assert_int_equal(mark_set(one, MEMBERS_MAX - 1, 6000), 0);
	assert_int_equal(fstat(state_fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	two = marks_open(state_fd);
	assert_int_equal(marks_oldest(two), 6000);
	assert_int_equal(mark_set(one, MEMBERS_MAX - 1, 0), 0);
	assert_int_equal(marks_oldest(two), 7000);
	assert_int_equal(marks_clear(two), 0);
	assert_int_equal(marks_oldest(one), 0);
	close(one);
	close(two);
	marks_remove(state_fd);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_strangers(void **state)
{
	char other[96];
	struct stat st;
	int fd;

	(void)state;
	/* A link is not followed, and makes way. */
	snprintf(other, sizeof(other), "%s.other", path);
	close(open(other, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(symlink(other, path), 0);
	fd = marks_open(state_fd);
	assert_int_equal(mark_set(fd, 0, 1), 0);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	unlink(other);
	/* Neither is one believed that others may write. */
	assert_int_equal(chmod(path, 0666), 0);
	fd = marks_open(state_fd);
	assert_int_equal(marks_oldest(fd), 0);
	close(fd);
	/* Where it cannot be the export's file is better than nothing. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = marks_open(state_fd);
	assert_int_equal(mark_set(fd, 1, 77), 0);
	assert_int_equal(marks_oldest(state_fd), 77);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
