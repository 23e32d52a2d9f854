/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of the state directory: a folder with one, a disk, and a boot. */
#ifndef ENBD_TEST_STATE_FOLDER_H
#define ENBD_TEST_STATE_FOLDER_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/state_dir.h"

static char dir[] = "/tmp/test_server_state.XXXXXX";
static char state_path[64], disk_path[64], boot_path[64], secret_path[64];
static struct server_config config;
static struct state_dir state;

static inline void write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int make_dir(void **unused)
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

static inline int remove_dir(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Each test begins with an empty folder. */
static inline int setup(void **unused)
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

static inline int teardown(void **unused)
{
	(void)unused;
	state_dir_close(&state);
	return 0;
}

#endif /* ENBD_TEST_STATE_FOLDER_H */
