// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/file_ops.c */
/*
 * What zeroes do to data that were acknowledged: either they are zero and the
 * answer says so, or nothing has happened to them. The disk's fallocate() is this
 * test's, and does what the kernel's does to a block device.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/file_ops.h"
#include "tools/enbd-server/vouch.h"

#define SIZE	8192

/* Bits of modes that the disk does not know, although it may say so */
static int unknown;
static unsigned int calls;
static struct io_file file;

void vouch_wake(struct vouch *vouch)
{
	(void)vouch;
}

static void fill(int fd, char byte, off_t offset, size_t len)
{
	char buf[SIZE];

	memset(buf, byte, len);
	assert_int_equal(pwrite(fd, buf, len, offset), len);
}

/* Dirty pages are dropped first, then the device is asked. */
int fallocate(int fd, int mode, off_t offset, off_t len)
{
	calls++;
	assert_true(mode & FALLOC_FL_KEEP_SIZE);
	mode &= ~FALLOC_FL_KEEP_SIZE;
	if (file.is_block)
		fill(fd, 'o', offset, (size_t)len);
	if (mode & unknown || (!mode && unknown < 0)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (mode)
		fill(fd, 0, offset, (size_t)len);
	return 0;
}

static void set_limit(const char *text)
{
	assert_int_equal(ftruncate(file.zeroes_fd, 0), 0);
	assert_int_equal(pwrite(file.zeroes_fd, text, strlen(text), 0),
			 strlen(text));
}

static int temporary(void)
{
	char path[] = "/tmp/test_server_file_ops.XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	memset(&file, 0, sizeof(file));
	file.fd = temporary();
	file.zeroes_fd = temporary();
	file.is_block = true;
	fill(file.fd, 'd', 0, SIZE);
	set_limit("33553920\n");
	unknown = 0;
	calls = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(file.fd);
	close(file.zeroes_fd);
	return 0;
}

static int zero(unsigned int flags)
{
	struct file_io io = {
		.op = IO_ZERO,
		.flags = flags,
		.file = &file,
		.offset = 512,
		.length = 4096,
	};

	file_run(&io);
	return io.error;
}

/* What is in the range, and the same all over it; around it nothing changes. */
static char content(void)
{
	char buf[SIZE];
	unsigned int i;

	assert_int_equal(pread(file.fd, buf, SIZE, 0), SIZE);
	for (i = 0; i < 512; i++)
		assert_int_equal(buf[i], 'd');
	for (i = 512; i < 512 + 4096; i++)
		assert_int_equal(buf[i], buf[512]);
	for (; i < SIZE; i++)
		assert_int_equal(buf[i], 'd');
	return buf[512];
}

static void test_device(void **state)
{
	(void)state;
	assert_int_equal(zero(IO_FAST), 0);
	assert_int_equal(content(), 0);
	fill(file.fd, 'd', 0, SIZE);
	assert_int_equal(zero(0), 0);
	assert_int_equal(content(), 0);
	fill(file.fd, 'd', 0, SIZE);
	assert_int_equal(zero(IO_NO_HOLE), 0);
	assert_int_equal(content(), 0);
}

/* Refused without being touched */
static void refused(unsigned int flags)
{
	fill(file.fd, 'd', 0, SIZE);
	calls = 0;
	assert_int_equal(zero(flags), EOPNOTSUPP);
	assert_int_equal(content(), 'd');
	assert_int_equal(calls, 0);
}

static void test_device_without(void **state)
{
	const int known = file.zeroes_fd;

	(void)state;
	unknown = FALLOC_FL_PUNCH_HOLE;
	set_limit("0\n");
	refused(IO_FAST);
	refused(IO_FAST | IO_NO_HOLE);
	/* Nobody says what it can. */
	set_limit("");
	refused(IO_FAST);
	file.zeroes_fd = -1;
	refused(IO_FAST);
	file.zeroes_fd = known;
	assert_int_equal(zero(0), 0);
	assert_int_equal(content(), 0);
	unknown |= FALLOC_FL_ZERO_RANGE;
	fill(file.fd, 'd', 0, SIZE);
	assert_int_equal(zero(0), 0);
	assert_int_equal(content(), 0);
}

/* It may be slow in any case. */
static void test_device_no_hole(void **state)
{
	(void)state;
	refused(IO_FAST | IO_NO_HOLE);
}

/* It says that it can, and then it cannot: what has been begun is ended. */
static void test_device_lies(void **state)
{
	(void)state;
	unknown = FALLOC_FL_PUNCH_HOLE;
	assert_int_equal(zero(IO_FAST), 0);
	assert_int_equal(content(), 0);
	refused(IO_FAST);
	assert_int_equal(zero(0), 0);
	assert_int_equal(content(), 0);
}

static void test_file(void **state)
{
	(void)state;
	file.is_block = false;
	assert_int_equal(zero(IO_FAST), 0);
	assert_int_equal(content(), 0);
	fill(file.fd, 'd', 0, SIZE);
	unknown = FALLOC_FL_ZERO_RANGE;
	assert_int_equal(zero(IO_FAST | IO_NO_HOLE), 0);
	assert_int_equal(content(), 0);
	/* A hole that cannot be filled again: it is too late to refuse. */
	fill(file.fd, 'd', 0, SIZE);
	unknown = INT32_MIN | FALLOC_FL_ZERO_RANGE;
	assert_int_equal(zero(IO_FAST | IO_NO_HOLE), 0);
	assert_int_equal(content(), 0);
	fill(file.fd, 'd', 0, SIZE);
	unknown = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	assert_int_equal(zero(IO_FAST), EOPNOTSUPP);
	assert_int_equal(zero(IO_FAST | IO_NO_HOLE), EOPNOTSUPP);
	assert_int_equal(content(), 'd');
	assert_int_equal(zero(0), 0);
	assert_int_equal(content(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_without, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_device_no_hole, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_device_lies, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
