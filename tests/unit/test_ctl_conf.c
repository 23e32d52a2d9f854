// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/conf.c tools/enbdctl/dial.c tools/enbdctl/devname.c tools/enbdctl/verb.c tools/enbdctl/verb_options.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tools/enbdctl/conf.h"
#include "tools/lib/signature.h"

static int read_text(struct conf *conf, const char *text, struct enbd_err *err)
{
	FILE *stream = fmemopen((void *)text, strlen(text), "r");
	int rc;

	assert_non_null(stream);
	conf_init(conf);
	rc = conf_read(conf, stream, "conf", err);
	fclose(stream);
	return rc;
}

static void test_all_keys(void **state)
{
	static const char text[] =
		"# comment\n"
		"[device data]\n"
		"uri = nbd://one:1099/a\n"
		"uri = two\n"
		"device = /dev/ndb\n"
		"channels = 6\n"
		"bind = 127.0.0.1\n"
		"bind = ::1   ; a comment\n"
		"bind = no-such-card\n"
		"read-only = yes\n"
		"io-timeout = 10\n"
		"dead-timeout = 1.5\n"
		"keepalive = 0\n"
		"replay = fenced\n"
		"secret = s3=cret\n"
		"queue-depth = 64\n"
		"hw-queues = 2\n"
		"reply-format = structured\n"
		"handshake-timeout = 3\n"
		"\n"
		"[device  b.2-x]\n"
		"uri = nbd+unix:///?socket=/run/s";
	uint8_t signature[ENBD_SIGNATURE_LEN];
	struct conf_device *d;
	struct conf conf;
	struct enbd_err err = { 0 };

	(void)state;
	assert_int_equal(read_text(&conf, text, &err), 0);
	d = conf_find(&conf, "data");
	assert_non_null(d);
	assert_ptr_equal(d, conf.devices);
	assert_int_equal(d->line, 2);
	assert_int_equal(d->dial.path_count, 2);
	assert_string_equal(d->dial.paths[0].host, "one");
	assert_string_equal(d->dial.paths[1].host, "two");
	assert_string_equal(d->dial.paths[1].port, "1099");
	assert_string_equal(d->dial.paths[1].export, "a");
	assert_string_equal(d->device, "ndb");
	assert_int_equal(d->dial.channels, 6);
	assert_int_equal(d->dial.bind_count, 3);
	assert_string_equal(d->dial.binds[1].text, "::1");
	assert_string_equal(d->dial.binds[2].iface, "no-such-card");
	assert_true(d->options.read_only);
	assert_int_equal(d->options.io_timeout, 10000);
	assert_int_equal(d->options.dead_timeout, 1500);
	assert_int_equal(d->options.keepalive, 0);
	assert_int_equal(d->options.replay, ENBD_REPLAY_FENCED);
	assert_int_equal(d->options.queue_depth, 64);
	assert_int_equal(d->options.hw_queues, 2);
	assert_int_equal(d->dial.client.limit, ENBD_REPLY_FORMAT_STRUCTURED);
	assert_int_equal(d->dial.client.timeout_ms, 3000);
	assert_int_equal(enbd_signature_derive("s3=cret", 7, "a", signature), 0);
	assert_memory_equal(d->dial.signature, signature, sizeof(signature));

	d = d->next;
	assert_string_equal(d->name, "b.2-x");
	assert_string_equal(d->device, "");
	assert_int_equal(d->options.io_timeout, -1);
	assert_int_equal(d->options.replay, -1);
	assert_null(d->dial.signature);
	assert_null(d->next);
	assert_null(conf_find(&conf, "nobody"));
	conf_free(&conf);
	assert_null(conf.devices);
}

static void test_signature(void **state)
{
	char text[160] = "[device a]\nuri=nbd://h/x\nsignature = ";
	uint8_t signature[ENBD_SIGNATURE_LEN];
	struct conf conf;
	struct enbd_err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(signature); i++)
		strcat(text, "a5");
	memset(signature, 0xa5, sizeof(signature));
	assert_int_equal(read_text(&conf, text, &err), 0);
	assert_memory_equal(conf.devices->dial.signature, signature,
			    sizeof(signature));
	conf_free(&conf);
}

static void test_empty(void **state)
{
	struct conf conf;
	struct enbd_err err = { 0 };

	(void)state;
	assert_int_equal(read_text(&conf, "\n; nothing yet\n", &err), 0);
	assert_null(conf.devices);
	conf_free(&conf);
}

static void test_missing_file(void **state)
{
	struct conf conf;
	struct enbd_err err = { 0 };

	(void)state;
	conf_init(&conf);
	assert_int_equal(conf_load(&conf, "/nonexistent/enbd.conf", &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
	assert_non_null(strstr(err.text, "/nonexistent/enbd.conf: "));
	conf_free(&conf);
}

#define A "[device a]\nuri=nbd://h/x\n"

static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} table[] = {
		{ A "\nurl = nbd://h/y\n", "conf:4: url: unknown key" },
		{ "uri = nbd://h/x\n", "conf:1: uri: outside of a section; begin with [device" },
		{ "[server]\n", "conf:1: server: unknown section" },
		{ "[devicea]\n", "conf:1: devicea: unknown section" },
		{ "[device]\n", "conf:1: device: unknown section" },
		{ "[device ]\n", "conf:1: device: not a name" },
		{ "[device a/b]\n", "conf:1: a/b: not a name" },
		{ "[device ..]\n", "conf:1: ..: not a name" },
		{ "[device -x]\n", "conf:1: -x: not a name" },
		{ "[device a\nuri=nbd://h/x\n", "conf:1: device a: section without end" },
		{ A "[device a]\nuri=nbd://h/y\n", "conf:3: a: is in line 1" },
		{ "[device a]\nchannels=2\n", "conf:1: a: has no server; add uri" },
		{ "[device a]\n" A, "conf:2: a: is in line 1" },
		{ A "[device b]\nuri=nbd://h:10809/x\n", "conf:3: b: its export is in" },
		{ A "device=nda\n[device b]\nuri=nbd://h/y\ndevice=/dev/nda\n",
		  "conf:4: b: /dev/nda is of the section in line 1" },
		{ "[device a]\nuri=\n", "conf:2: uri: empty" },
		{ "[device a]\nuri=http://h/\n", "conf:2: uri: http" },
		{ "[device a]\nuri=host\n", "conf:2: uri: host" },
		{ A "uri=[\n", "conf:3: uri: " },
		{ A "device=sda\n", "conf:3: device: sda: not the name" },
		{ A "device=/dev/nd/by-export/x\n", "conf:3: device: not a name" },
		{ A "channels=0\n", "conf:3: channels: not a number" },
		{ A "channels=65\n", "conf:3: channels: not a number" },
		{ A "channels=2\nchannels=2\n", "conf:4: channels: given twice" },
		{ A "bind=no such thing\n", "conf:3: bind: " },
		{ A "read-only=maybe\n", "conf:3: read-only: neither" },
		{ A "io-timeout=soon\n", "conf:3: io-timeout: not a time" },
		{ A "handshake-timeout=0\n", "conf:3: handshake-timeout: must" },
		{ A "replay=yes\n", "conf:3: replay: not auto" },
		{ A "reply-format=long\n", "conf:3: reply-format: not simple" },
		{ A "signature=12\n", "conf:3: signature: not 64" },
		{ A "queue-depth=0\n", "conf:3: queue-depth: not" },
		{ A "hw-queues=x\n", "conf:3: hw-queues: not" },
		{ A "nonsense\n", "conf:3: line: not understood" },
		{ "[device u]\nuri=nbd+unix:///?socket=/s\nbind=::1\n",
		  "conf:1: u: --bind" },
		{ A "secret=x\nsignature="
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
		  "conf:4: signature: follows from the secret" },
		{ A "signature="
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
		  "secret=x\n", "conf:4: secret: decides" },
	};
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct enbd_err err = { 0 };

		assert_int_equal(read_text(&conf, table[i].text, &err), -1);
		if (err.code != ENBD_EXIT_USAGE)
			fail_msg("%s: code %d", table[i].text, err.code);
		if (!strstr(err.text, table[i].says))
			fail_msg("\"%s\" is not in \"%s\"", table[i].says,
				 err.text);
		conf_free(&conf);
	}
}

static void test_many_paths(void **state)
{
	char text[64 * (DIAL_PATHS_MAX + 3)] = A;
	struct conf conf;
	struct enbd_err err = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < DIAL_PATHS_MAX; i++)
		sprintf(text + strlen(text), "uri=host%u\n", i);
	assert_int_equal(read_text(&conf, text, &err), -1);
	assert_non_null(strstr(err.text, "more than 16 addresses"));
	conf_free(&conf);
}

static void test_long_line(void **state)
{
	static char text[20000];
	struct conf conf;
	struct enbd_err err = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "[device a]\nuri = ", 17);
	assert_int_equal(read_text(&conf, text, &err), -1);
	assert_non_null(strstr(err.text, "conf:2: line: too long"));
	conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_many_paths),
		cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
