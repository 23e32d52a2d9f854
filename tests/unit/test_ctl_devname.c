// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/devname.c */
/* Numbers of devices and their names, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "tools/enbdctl/devname.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	uint32_t index;
	const char *name;
} table[] = {
	{ 0, "nda" }, { 1, "ndb" }, { 25, "ndz" }, { 26, "ndaa" },
	{ 27, "ndab" }, { 51, "ndaz" }, { 52, "ndba" }, { 701, "ndzz" },
	{ 702, "ndaaa" }, { INT32_MAX, "ndfxshrxx" },
};

static void known_names(void **state)
{
	char name[ENBD_NAME_MAX], path[32];
	struct enbd_err err;
	uint32_t index;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		assert_string_equal(devname_format(table[i].index, name),
				    table[i].name);
		assert_int_equal(devname_index(table[i].name, &index, &err), 0);
		assert_int_equal(index, table[i].index);
		snprintf(path, sizeof(path), "/dev/%s", table[i].name);
		assert_int_equal(devname_index(path, &index, &err), 0);
		assert_int_equal(index, table[i].index);
	}
}

static void there_and_back(void **state)
{
	char name[ENBD_NAME_MAX];
	struct enbd_err err;
	uint32_t i, index;

	(void)state;
	for (i = 0; i < 20000; i++) {
		assert_int_equal(devname_index(devname_format(i, name), &index,
					       &err), 0);
		assert_int_equal(index, i);
	}
	/* Longer than any name the driver gives, but it fits. */
	devname_format(UINT32_MAX, name);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"", "nd", "nd1", "nda1", "ndA", "sda", "/dev/sda", "/dev/nd",
		"/dev/", "dev/nda", "/dev//nda", "/dev/nda/", "nda ", "0",
		"ndfxshrxy", "ndzzzzzzzzzzzz",
	};
	struct enbd_err err;
	uint32_t index;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		if (!devname_index(bad[i], &index, &err))
			fail_msg("%s: not refused", bad[i]);
		assert_int_equal(err.code, ENBD_EXIT_USAGE);
	}
	assert_int_equal(devname_index("/dev/nd/by-export/none", &index, &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_NOT_CONNECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_names),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
