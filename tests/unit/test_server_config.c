// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/config.c tools/enbd-server/config_file.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/enbd-server/config.h"

static int read_text(struct server_config *config, const char *text,
		     struct enbd_err *err)
{
	FILE *stream = fmemopen((void *)text, strlen(text), "r");
	int rc;

	assert_non_null(stream);
	config_init(config);
	rc = config_read(config, stream, "conf", err);
	if (!rc)
		rc = config_check(config, err);
	fclose(stream);
	return rc;
}

static void test_all_keys(void **state)
{
	static const char text[] =
		"# comment\n"
		"[server]\n"
		"listen = 127.0.0.1\n"
		"listen=::1\n"
		"port = 1099\n"
		"unix = /run/enbd.sock\n"
		"pidfile = /run/enbd.pid\n"
		"threads = 4\n"
		"state-dir = /s\n"
		"boot-id-file = /b\n"
		"max-connections = 7\n"
		"memory = 64M\n"
		"handshake-timeout = 2.5\n"
		"\n"
		"[export a b]\n"
		"file = /dev/sda1   ; a disk\n"
		"file = /dev/sdb1\n"
		"stripe = 64k\n"
		"read-only = yes\n"
		"description = Two disks\n"
		"secret = s3=cret\n"
		"[export]\n"
		"file = /tmp/x";
	struct server_config config;
	struct enbd_err err = { 0 };
	struct export_config *e;

	(void)state;
	assert_int_equal(read_text(&config, text, &err), 0);
	assert_int_equal(config.listen_count, 2);
	assert_string_equal(config.listen[1], "::1");
	assert_true(config.tcp);
	assert_int_equal(config.port, 1099);
	assert_string_equal(config.unix_path, "/run/enbd.sock");
	assert_string_equal(config.pidfile, "/run/enbd.pid");
	assert_string_equal(config.state_dir, "/s");
	assert_string_equal(config.boot_id_file, "/b");
	assert_int_equal(config.threads, 4);
	assert_int_equal(config.max_connections, 7);
	assert_int_equal(config.memory, 64 << 20);
	assert_int_equal(config.handshake_ms, 2500);
	e = config.exports;
	assert_string_equal(e->name, "a b");
	assert_int_equal(e->file_count, 2);
	assert_string_equal(e->files[0], "/dev/sda1");
	assert_string_equal(e->files[1], "/dev/sdb1");
	assert_int_equal(e->stripe, 65536);
	assert_true(e->read_only);
	assert_string_equal(e->description, "Two disks");
	assert_string_equal(e->secret, "s3=cret");
	e = e->next;
	assert_string_equal(e->name, "");
	assert_false(e->read_only);
	assert_null(e->next);
	config_free(&config);
}

static void test_long_path(void **state)
{
	char text[5000], path[4000];
	struct server_config config;
	struct enbd_err err = { 0 };

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	snprintf(text, sizeof(text), "[export x]\nfile = %s\n", path);
	assert_int_equal(read_text(&config, text, &err), 0);
	assert_string_equal(config.exports->files[0], path);
	config_free(&config);
}

struct mistake {
	const char *text;
	const char *says;
	int code;
};

static void test_mistakes(void **state)
{
	static const struct mistake table[] = {
		{ "[server]\n\nprot = 5\n", "conf:3: prot: unknown key", 2 },
		{ "[sever]\n", "conf:1: sever: unknown section", 2 },
		{ "[exports x]\nfile=/x\n", "conf:1: exports x: unknown", 2 },
		{ "[server\nport = 1\n", "conf:1: server", 2 },
		{ "port = 5\n", "conf:1: port: outside", 2 },
		{ "[server]\nport = 70000\n", "conf:2: port: not a number", 2 },
		{ "[server]\nstate-dir =\n", "conf:2: state-dir: empty", 2 },
		{ "[server]\nthreads = 0\n", "conf:2: threads: not", 2 },
		{ "[server]\nthreads = x\n", "conf:2: threads: not", 2 },
		{ "[server]\nhandshake-timeout = 0\n", "conf:2: hand", 2 },
		{ "[server]\nmemory = 1000\n", "conf:2: memory: not", 2 },
		{ "[server]\nnonsense\n", "conf:2: line: not underst", 2 },
		{ "[server]\nunix =\n", "conf:2: unix: empty", 2 },
		{ "[export a]\nfile=/x\nport=1\n", "conf:3: port: unk", 2 },
		{ "[export a]\nfile=\n", "conf:2: file: empty", 2 },
		{ "[export a]\nread-only = maybe\n", "conf:2: read-only", 2 },
		{ "[export a]\nstripe = 1000\n", "conf:2: stripe: not", 2 },
		{ "[export a]\nstripe = 0\n", "conf:2: stripe: not", 2 },
		{ "[export a]\n[export b]\nfile=/x\n", "\"a\": no file", 2 },
		{ "[export a]\nfile=/x\n[export a]\nfile=/y\n", "twice", 2 },
		{ "[server]\nport=none\n[export a]\nfile=/x\n", "no add", 2 },
		{ "[server]\n", "nothing to serve", 2 },
		{ "\n", "nothing to serve", 2 },
	};
	struct server_config config;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct enbd_err err = { 0 };

		assert_int_equal(read_text(&config, table[i].text, &err), -1);
		assert_int_equal(err.code, table[i].code);
		if (!strstr(err.text, table[i].says))
			fail_msg("\"%s\" is not in \"%s\"", table[i].says,
				 err.text);
		config_free(&config);
	}
}

static void test_long_line(void **state)
{
	static char text[20000];
	struct server_config config;
	struct enbd_err err = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "[export a]\nfile = ", 18);
	assert_int_equal(read_text(&config, text, &err), -1);
	assert_non_null(strstr(err.text, "conf:2: line: too long"));
	config_free(&config);
}

static void test_nul(void **state)
{
	static char text[] = "[export a]\nfile = /a\0b\n";
	FILE *stream = fmemopen(text, sizeof(text) - 1, "r");
	struct server_config config;
	struct enbd_err err = { 0 };

	(void)state;
	config_init(&config);
	assert_int_equal(config_read(&config, stream, "conf", &err), -1);
	assert_non_null(strstr(err.text, "conf:2: line: has a NUL"));
	fclose(stream);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
