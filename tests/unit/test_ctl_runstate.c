// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/runstate.c tools/enbdctl/runstate_json.c */
/* What is remembered of devices: written, read, and not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/enbdctl/runstate.h"
#include "tools/enbdctl/runstate_json.h"

static char base[] = "/tmp/enbd-runstate.XXXXXX";
static char dir[64], file[96];
static struct runstate state, got;
static struct enbd_err err;

static int setup(void **unused)
{
	(void)unused;
	strcpy(base, "/tmp/enbd-runstate.XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/run", base);
	snprintf(file, sizeof(file), "%s/nda.json", dir);
	setenv("ENBD_RUN_DIR", dir, 1);
	memset(&state, 0, sizeof(state));
	memset(state.session, 0x5a, sizeof(state.session));
	state.timeout_ms = 2500;
	state.limit = 1;
	strcpy(state.channels[0].uri, "nbd://a/x");
	strcpy(state.channels[1].uri, "nbd://b/x");
	strcpy(state.channels[1].bind, "eth1");
	strcpy(state.channels[63].uri, "nbd://c/x");
	return 0;
}

static int teardown(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

static void comes_back(void **unused)
{
	struct runstate_id id;
	struct stat st;

	(void)unused;
	assert_int_equal(runstate_read("nda", &got, &err), 1);
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	assert_memory_equal(&got, &state, sizeof(got));
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	runstate_identify("nda", &id);
	assert_true(id.known);
	runstate_remove("nda", &id);
	assert_int_equal(runstate_read("nda", &got, &err), 1);
	runstate_remove("nda", &id);
	runstate_identify("nda", &id);
	assert_false(id.known);
}

/* Between the end of a device and this, another may have got its name. */
static void keeps_what_is_of_the_next(void **unused)
{
	struct runstate_id none, id;

	(void)unused;
	runstate_identify("nda", &none);
	assert_false(none.known);
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	runstate_identify("nda", &id);
	state.session[0] ^= 1;
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	runstate_remove("nda", &id);
	runstate_remove("nda", &none);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	runstate_identify("nda", &id);
	runstate_remove("nda", &id);
	assert_int_equal(runstate_read("nda", &got, &err), 1);
}

/* 64 channels with everything as long as it may be, and awkward bytes */
static void holds_the_largest(void **unused)
{
	int i;

	(void)unused;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		strcpy(state.channels[i].uri, "nbd://h/");
		memset(state.channels[i].uri + 8, 'x', 1000);
		memset(state.channels[i].bind, '"',
		       sizeof(state.channels[i].bind) - 1);
	}
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	assert_memory_equal(&got, &state, sizeof(got));
}

static void changes_single_channels(void **unused)
{
	static const struct runstate_channel way = { "nbd://d/x", "10.0.0.1" };
	uint8_t other[ENBD_SESSION_ID_LEN] = { 1 };

	(void)unused;
	/* Nothing is there to be forgotten. */
	assert_int_equal(runstate_set_channel("nda", NULL, 1, NULL, &err), 0);
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_set_channel("nda", NULL, 1, NULL, &err), 0);
	assert_int_equal(runstate_set_channel("nda", state.session, 2, &way,
					      &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	assert_string_equal(got.channels[0].uri, "nbd://a/x");
	assert_string_equal(got.channels[1].uri, "");
	assert_string_equal(got.channels[1].bind, "");
	assert_memory_equal(&got.channels[2], &way, sizeof(way));
	/* What was of an earlier device is none of this one's. */
	assert_int_equal(runstate_set_channel("nda", other, 2, &way, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	assert_memory_equal(got.session, other, sizeof(other));
	assert_string_equal(got.channels[0].uri, "");
	assert_string_equal(got.channels[2].uri, "nbd://d/x");
}

static void put_file(const char *text, size_t len)
{
	const int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

/* Cut anywhere: never taken for whole, never read beyond. */
static void truncated(void **unused)
{
	char *text = runstate_format(&state), *tight;
	const size_t len = strlen(text);
	size_t i;

	(void)unused;
	for (i = 0; i < len; i++) {
		tight = test_malloc(i ? i : 1);
		memcpy(tight, text, i);
		assert_non_null(runstate_parse(tight, i, &got));
		test_free(tight);
	}
	assert_null(runstate_parse(text, len, &got));
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(truncate(file, (off_t)len / 2), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	assert_non_null(strstr(err.text, "ignored"));
	assert_non_null(strstr(err.text, file));
	/* The next one makes it whole again. */
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	free(text);
}

#define GOOD "\"version\":1,\"session\":\"00112233445566778899aabbccddeeff\"," \
	     "\"handshake_timeout_ms\":1,\"reply_format\":2,\"channels\":"

static void garbage(void **unused)
{
	static const char *const table[] = {
		"", " ", "null", "[]", "{}", "4711", "\"x\"", "\xff\xfe",
		"{\"version\":1}", "{" GOOD "{}}", "{" GOOD "[4]}",
		"{" GOOD "[{}]}", "{" GOOD "[{\"index\":0}]}",
		"{" GOOD "[{\"index\":-1,\"uri\":\"nbd://h\"}]}",
		"{" GOOD "[{\"index\":64,\"uri\":\"nbd://h\"}]}",
		"{" GOOD "[{\"index\":0.5,\"uri\":\"nbd://h\"}]}",
		"{" GOOD "[{\"index\":1e300,\"uri\":\"nbd://h\"}]}",
		"{" GOOD "[{\"index\":\"0\",\"uri\":\"nbd://h\"}]}",
		"{" GOOD "[{\"index\":0,\"uri\":4}]}",
		"{" GOOD "[{\"index\":0,\"uri\":\"\"}]}",
		"{" GOOD "[{\"index\":0,\"uri\":\"ftp://h\"}]}",
		"{" GOOD "[{\"index\":0,\"uri\":\"nbd://h\",\"bind\":4}]}",
		"{" GOOD "[{\"index\":0,\"uri\":\"nbd://h\"},"
			  "{\"index\":0,\"uri\":\"nbd://h\"}]}",
		"{\"version\":2,\"session\":\"00112233445566778899aabbccddeeff\"}",
		"{\"version\":1,\"session\":\"0011\"}",
	};
	size_t i;

	(void)unused;
	assert_null(runstate_parse("{" GOOD "[]}", strlen("{" GOOD "[]}"),
				   &got));
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!runstate_parse(table[i], strlen(table[i]), &got))
			fail_msg("taken: %s", table[i]);
}

static void too_long_a_text(void **unused)
{
	char text[2048];

	(void)unused;
	snprintf(text, sizeof(text),
		 "{" GOOD "[{\"index\":0,\"uri\":\"nbd://h/%01100d\"}]}", 0);
	assert_non_null(runstate_parse(text, strlen(text), &got));
	snprintf(text, sizeof(text),
		 "{" GOOD "[{\"index\":0,\"uri\":\"nbd://h\",\"bind\":\"%064d\"}]}",
		 0);
	assert_non_null(runstate_parse(text, strlen(text), &got));
}

static void endless_file(void **unused)
{
	(void)unused;
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(truncate(file, RUNSTATE_TEXT_MAX), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
}

static void foreign_files(void **unused)
{
	char text[256];

	(void)unused;
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(chmod(file, 0620), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	assert_non_null(strstr(err.text, "somebody else"));
	assert_int_equal(chmod(file, 0602), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	if (!geteuid()) {
		assert_int_equal(chown(file, 1, 0), 0);
		assert_int_equal(runstate_read("nda", &got, &err), -1);
		assert_non_null(strstr(err.text, "somebody else"));
	}

	/* Neither links nor pipes are followed, the latter not even waited for. */
	assert_int_equal(unlink(file), 0);
	snprintf(text, sizeof(text), "%s/other", base);
	assert_int_equal(symlink(text, file), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	/* What is written takes its place. */
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
}

static void foreign_directory(void **unused)
{
	(void)unused;
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(runstate_read("nda", &got, &err), -1);
	assert_int_equal(runstate_write("nda", &state, &err), -1);
	assert_non_null(strstr(err.text, "others may write"));
	assert_int_equal(runstate_lock_monitor(&err), -1);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
}

/* What a killed writer left behind is in nobody's way. */
static void left_behind(void **unused)
{
	char rest[128];

	(void)unused;
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	snprintf(rest, sizeof(rest), "%s/.nda.json.new", dir);
	assert_int_equal(rename(file, rest), 0);
	put_file("{", 1);
	assert_int_equal(runstate_write("nda", &state, &err), 0);
	assert_int_equal(runstate_read("nda", &got, &err), 0);
	assert_int_equal(access(rest, F_OK), -1);
}

static void one_monitor(void **unused)
{
	int first, second;

	(void)unused;
	first = runstate_lock_monitor(&err);
	assert_true(first >= 0);
	assert_int_equal(runstate_lock_monitor(&err), -1);
	assert_int_equal(err.code, ENBD_EXIT_BUSY);
	close(first);
	second = runstate_lock_monitor(&err);
	assert_true(second >= 0);
	close(second);
}

static void keeps_bytes(void **unused)
{
	char bytes[64], back[64], path[96];

	(void)unused;
	memset(bytes, 0, sizeof(bytes));
	bytes[5] = 7;
	assert_int_equal(runstate_get("x.super", back, sizeof(back)), -1);
	assert_int_equal(runstate_put("x.super", bytes, sizeof(bytes), &err), 0);
	assert_int_equal(runstate_get("x.super", back, sizeof(back)), 0);
	assert_memory_equal(back, bytes, sizeof(bytes));
	/* More or less of it is something else. */
	assert_int_equal(runstate_get("x.super", back, sizeof(back) - 1), -1);
	assert_int_equal(runstate_put("x.super", bytes, 63, &err), 0);
	assert_int_equal(runstate_get("x.super", back, sizeof(back)), -1);
	snprintf(path, sizeof(path), "%s/x.super", dir);
	assert_int_equal(runstate_put("x.super", bytes, sizeof(bytes), &err), 0);
	assert_int_equal(chmod(path, 0622), 0);
	assert_int_equal(runstate_get("x.super", back, sizeof(back)), -1);
}

static void locks_by_name(void **unused)
{
	int one, two;

	(void)unused;
	one = runstate_lock("up-a.lock", &err);
	two = runstate_lock("up-b.lock", &err);
	assert_true(one >= 0 && two >= 0);
	close(one);
	one = runstate_lock("up-a.lock", &err);
	assert_true(one >= 0);
	close(one);
	close(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_is_of_the_next,
						setup, teardown),
		cmocka_unit_test_setup_teardown(holds_the_largest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(changes_single_channels, setup,
						teardown),
		cmocka_unit_test_setup_teardown(truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long_a_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(endless_file, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_files, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_directory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(one_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(locks_by_name, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
