// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/lost_file.c tools/enbdctl/envfile.c tools/enbdctl/runstate.c tools/enbdctl/runstate_json.c */
/* What legs have lost that no bitmap names: kept, found again, forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/enbdctl/envfile.h"
#include "tools/enbdctl/lost_file.h"
#include "tools/enbdctl/runstate.h"

static char base[64], dir[80];
static struct enbd_err err;

static int setup(void **unused)
{
	(void)unused;
	strcpy(base, "/tmp/enbd-lost.XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/run", base);
	setenv("ENBD_RUN_DIR", dir, 1);
	return 0;
}

static int teardown(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

/* The server of a device: a signature of these bytes, 0 for none */
static void shows(const char *disk, int byte)
{
	struct enbd_hello hello = { .features = byte ? 1 : 0 };

	memset(hello.signature, byte, sizeof(hello.signature));
	assert_int_equal(envfile_write(disk, &hello, &err), 0);
}

static void add(const char *disk, uint64_t offset, uint64_t length)
{
	const struct lost lost = { offset, length };

	assert_int_equal(lost_file_add(disk, &lost, 1, &err), 0);
}

/* What a part has lost, as "first+length ..." */
static const char *lost(const char *disk, uint64_t start, uint64_t size)
{
	static char text[512];
	struct lost *ranges;
	size_t count, i, at = 0;

	assert_int_equal(lost_file_read(disk, start, size, &ranges, &count,
					&err), 0);
	text[0] = '\0';
	for (i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu+%llu",
				       i ? " " : "",
				       (unsigned long long)ranges[i].offset,
				       (unsigned long long)ranges[i].length);
	free(ranges);
	return text;
}

static void kept_and_forgotten(void **unused)
{
	(void)unused;
	assert_string_equal(lost("nda", 0, 10000), "");
	shows("nda", 7);
	assert_string_equal(lost("nda", 0, 10000), "");
	add("nda", 5000, 100);
	add("nda", 100, 200);
	add("nda", 5050, 150);
	add("nda", 300, 50);
	assert_string_equal(lost("nda", 0, 10000), "100+250 5000+200");
	assert_string_equal(lost("nda", 200, 4900), "0+150 4800+100");
	lost_file_forget("nda", 200, 4900);
	assert_string_equal(lost("nda", 0, 10000), "100+100 5100+100");
	lost_file_forget("nda", 0, 10000);
	assert_string_equal(lost("nda", 0, UINT64_MAX), "");
}

static void known_by_the_server(void **unused)
{
	(void)unused;
	shows("nda", 7);
	add("nda", 0, 10);
	shows("nda", 8);
	assert_string_equal(lost("nda", 0, 100), "");
	shows("ndb", 7);
	assert_string_equal(lost("ndb", 0, 100), "0+10");
	lost_file_forget("nda", 0, 100);
	assert_string_equal(lost("ndb", 0, 100), "0+10");
	lost_file_forget("ndb", 0, 100);
	assert_string_equal(lost("ndb", 0, 100), "");
}

/* Who cannot tell takes all that may be his, and forgets only his own. */
static void not_known(void **unused)
{
	(void)unused;
	shows("nda", 7);
	add("nda", 0, 10);
	add("ndb", 50, 10);
	assert_string_equal(lost("ndb", 0, 100), "0+10 50+10");
	assert_string_equal(lost("nda", 0, 100), "0+10 50+10");
	shows("ndc", 0);
	assert_string_equal(lost("ndc", 0, 100), "50+10");
	lost_file_forget("ndb", 0, 100);
	assert_string_equal(lost("ndb", 0, 100), "0+10");
}

static void damaged(void **unused)
{
	static const char *const bad[] = {
		"x\n", "1\n", "1 \n", "1 2", "1 0\n", "1  2\n", "-1 2\n", "1 -2\n",
		"18446744073709551615 2\n", "99999999999999999999 1\n", "1 2\n\n",
	};
	struct lost *ranges;
	size_t count, i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(runstate_put("nda.lost", bad[i],
					      strlen(bad[i]), &err), 0);
		if (!lost_file_read("nda", 0, 100, &ranges, &count, &err))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(err.text, "nda.lost"));
		assert_int_equal(lost_file_add("nda", NULL, 0, &err), -1);
	}
	assert_int_equal(runstate_put("nda.lost", "1 2\n\0 4\n", 8, &err), 0);
	assert_int_equal(lost_file_read("nda", 0, 100, &ranges, &count, &err), -1);
}

static void digests(void **unused)
{
	char digest[ENBD_SIGNATURE_DIGEST], expected[ENBD_SIGNATURE_DIGEST];
	uint8_t signature[ENBD_EXT_SIGNATURE_LEN];

	(void)unused;
	assert_int_equal(envfile_digest("nda", digest), -1);
	shows("nda", 0);
	assert_int_equal(envfile_digest("nda", digest), 0);
	shows("nda", 3);
	assert_int_equal(envfile_digest("nda", digest), 1);
	memset(signature, 3, sizeof(signature));
	assert_string_equal(digest, enbd_signature_digest(signature, expected));
	assert_int_equal(runstate_put("nda-0.env", "ID_ENBD_SIGNATURE=0123456789abcdeX\n",
				      35, &err), 0);
	assert_int_equal(envfile_digest("nda", digest), -1);
}

/* Disks that are gone leave nothing; other names are other disks. */
static void swept(void **unused)
{
	static const char *const others[] = {
		"ndaa-7.env", "ndb-7.env", "nda-x.env", "nda-.env", "nda-7.json",
	};
	char digest[ENBD_SIGNATURE_DIGEST], text[1];
	size_t i;

	(void)unused;
	shows("nda", 3);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(runstate_put(others[i], "", 0, &err), 0);
	assert_int_equal(runstate_put("nda-7.env", "", 0, &err), 0);
	envfile_sweep("nda");
	assert_int_equal(envfile_digest("nda", digest), -1);
	assert_int_equal(runstate_get("nda-7.env", text, 0), -1);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(runstate_get(others[i], text, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_and_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(known_by_the_server, setup, teardown),
		cmocka_unit_test_setup_teardown(not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(swept, setup, teardown),
		cmocka_unit_test_setup_teardown(digests, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
