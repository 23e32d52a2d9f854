// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/disk_name.c */
/* What a block device is called in each boot, by folders that look like sysfs. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/disk_name.h"

static char dir[] = "/tmp/test_server_disk.XXXXXX";

static void put(const char *folder, const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, folder);
	if (mkdir(path, 0700))
		assert_int_equal(errno, EEXIST);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, folder, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* The name of the device in a folder, "" without one */
static const char *name(const char *folder)
{
	static char text[256];
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, folder);
	if (!disk_name(path, text, sizeof(text)))
		text[0] = '\0';
	return text;
}

static void test_names(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	put("loop", "size", "1\n");
	assert_string_equal(name("loop"), "");
	assert_string_equal(name("missing"), "");
	put("nvme", "wwid", "eui.0025\n");
	assert_string_equal(name("nvme"), "wwid eui.0025 partition  at ");
	/* A serial number that nobody has set */
	put("virtio", "serial", "\n");
	assert_string_equal(name("virtio"), "");
	put("virtio", "serial", "  one two  \n");
	assert_string_equal(name("virtio"), "serial one two partition  at ");
	put("mapped", "serial", "x");
	put("mapped/dm", "uuid", "LVM-1");
	assert_string_equal(name("mapped"), "dm/uuid LVM-1 partition  at ");
	put("disk", "wwid", "naa.5");
	put("disk/one", "partition", "1\n");
	put("disk/one", "start", "2048\n");
	assert_string_equal(name("disk/one"),
			    "wwid naa.5 partition 1 at 2048");
	put("loop/one", "partition", "1\n");
	assert_string_equal(name("loop/one"), "");
}

/* What does not fit is no name: two long ones would be the same. */
static void test_room(void **state)
{
	char path[128], text[30];

	(void)state;
	snprintf(path, sizeof(path), "%s/nvme", dir);
	assert_true(disk_name(path, text, sizeof(text)));
	assert_int_equal(strlen(text), 28);
	assert_false(disk_name(path, text, 28));
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, remove_dir);
}
