// SPDX-License-Identifier: GPL-2.0
/* Every form of an address of an export, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "uri.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text, *host, *port, *export, *canonical;
} tcp[] = {
	{ "nbd://server", "server", "10809", "", NULL },
	{ "nbd://server/", "server", "10809", "", NULL },
	{ "NBD://server:1099/disk", "server", "1099", "disk", NULL },
	{ "nbd://server:/disk", "server", "10809", "disk", NULL },
	{ "nbd://server//abs/path", "server", "10809", "/abs/path", NULL },
	{ "nbd://server/a%20b%2Fc", "server", "10809", "a b/c", NULL },
	{ "nbd://server/%c3%A4", "server", "10809", "\xc3\xa4", NULL },
	{ "nbd://server/d?unknown=1", "server", "10809", "d", NULL },
	{ "nbd://server?unknown=1", "server", "10809", "", NULL },
	{ "nbd://127.0.0.1:1/x", "127.0.0.1", "1", "x", NULL },
	{ "nbd://[::1]", "::1", "10809", "", NULL },
	{ "nbd://[::1]:65535/x", "::1", "65535", "x", NULL },
	{ "nbd://[fe80::1%25eth0]:7/x", "fe80::1%eth0", "7", "x", NULL },
	{ "nbd://server:0007", "server", "7", "", NULL },
	{ "nbd://server/\xff\xc3\xa4?x", "server", "10809", "\xff\xc3\xa4",
	  "nbd://server:10809/%FF%C3%A4" },
	{ "server:1099", "server", "1099", "", "nbd://server:1099/" },
	{ "[::1]:1099", "::1", "1099", "", "nbd://[::1]:1099/" },
	{ "[fe80::1%25lo]:9", "fe80::1%lo", "9", "", "nbd://[fe80::1%25lo]:9/" },
};

static const struct {
	const char *text, *socket, *export;
} local[] = {
	{ "nbd+unix:///?socket=/run/s", "/run/s", "" },
	{ "nbd+unix:///disk?socket=/run/s", "/run/s", "disk" },
	{ "nbd+unix://?socket=/run/s", "/run/s", "" },
	{ "NBD+Unix:////a?socket=/run/s", "/run/s", "/a" },
	{ "nbd+unix:///?x=y&socket=%2Frun%2fa%20b&z", "/run/a b", "" },
	{ "nbd+unix:///socket=/?socket=/s", "/s", "socket=/" },
};

static const struct {
	const char *text;
	int code;
} refused[] = {
	{ "", ENBD_EXIT_USAGE },
	{ "server", ENBD_EXIT_USAGE },
	{ "/dev/nda", ENBD_EXIT_USAGE },
	{ "http://server/", ENBD_EXIT_USAGE },
	{ "nbd+vsock://1/", ENBD_EXIT_USAGE },
	{ "nbd:/server/", ENBD_EXIT_USAGE },
	{ "://server", ENBD_EXIT_USAGE },
	{ "nbd://", ENBD_EXIT_USAGE },
	{ "nbd:///disk", ENBD_EXIT_USAGE },
	{ "nbd://:10809/", ENBD_EXIT_USAGE },
	{ "nbd://user@server/", ENBD_EXIT_USAGE },
	{ "nbd://server:0/", ENBD_EXIT_USAGE },
	{ "nbd://server:65536/", ENBD_EXIT_USAGE },
	{ "nbd://server:http/", ENBD_EXIT_USAGE },
	{ "nbd://server:-1/", ENBD_EXIT_USAGE },
	{ "nbd://server:1:2/", ENBD_EXIT_USAGE },
	{ "nbd://server:99999999999999999999/", ENBD_EXIT_USAGE },
	{ "nbd://::1/", ENBD_EXIT_USAGE },
	{ "nbd://[::1", ENBD_EXIT_USAGE },
	{ "nbd://[::1]x:1/", ENBD_EXIT_USAGE },
	{ "nbd://[127.0.0.1]/", ENBD_EXIT_USAGE },
	{ "nbd://[]/", ENBD_EXIT_USAGE },
	{ "nbd://a%2fb/", ENBD_EXIT_USAGE },
	{ "nbd://a%20b/", ENBD_EXIT_USAGE },
	{ "nbd://server/%", ENBD_EXIT_USAGE },
	{ "nbd://server/%4", ENBD_EXIT_USAGE },
	{ "nbd://server/%zz", ENBD_EXIT_USAGE },
	{ "nbd://server/a%00b", ENBD_EXIT_USAGE },
	{ "nbd://server/a b", ENBD_EXIT_USAGE },
	{ "nbd://server/a\nb", ENBD_EXIT_USAGE },
	{ "nbd://server/a#b", ENBD_EXIT_USAGE },
	{ "nbd+unix:///disk", ENBD_EXIT_USAGE },
	{ "nbd+unix:///disk?socket=", ENBD_EXIT_USAGE },
	{ "nbd+unix:///disk?xsocket=/a", ENBD_EXIT_USAGE },
	{ "nbd+unix://host/disk?socket=/a", ENBD_EXIT_USAGE },
	{ "nbds://server/", ENBD_EXIT_IDENTITY },
	{ "nbds+unix:///?socket=/a", ENBD_EXIT_IDENTITY },
};

static void parses_tcp(void **state)
{
	struct enbd_uri uri, again;
	struct enbd_err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(tcp); i++) {
		assert_int_equal(enbd_uri_parse(tcp[i].text, &uri, &err), 0);
		assert_int_equal(uri.kind, ENBD_URI_TCP);
		assert_string_equal(uri.host, tcp[i].host);
		assert_string_equal(uri.port, tcp[i].port);
		assert_string_equal(uri.export, tcp[i].export);
		assert_string_equal(uri.text, tcp[i].canonical ?
				    tcp[i].canonical : tcp[i].text);
		assert_int_equal(enbd_uri_parse(uri.text, &again, &err), 0);
		assert_string_equal(again.host, uri.host);
		assert_string_equal(again.port, uri.port);
		assert_string_equal(again.export, uri.export);
	}
}

static void parses_unix(void **state)
{
	struct enbd_uri uri;
	struct enbd_err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(local); i++) {
		assert_int_equal(enbd_uri_parse(local[i].text, &uri, &err), 0);
		assert_int_equal(uri.kind, ENBD_URI_UNIX);
		assert_string_equal(uri.socket, local[i].socket);
		assert_string_equal(uri.export, local[i].export);
		assert_string_equal(uri.text, local[i].text);
	}
}

static void relative_socket_becomes_absolute(void **state)
{
	struct enbd_uri uri, again;
	struct enbd_err err;

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(enbd_uri_parse("nbd+unix:///a b?socket=s", &uri, &err),
			 -1);
	assert_int_equal(enbd_uri_parse("nbd+unix:///a%20b?socket=s%3d", &uri,
					&err), 0);
	assert_string_equal(uri.socket, "/tmp/s=");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(enbd_uri_parse(uri.text, &again, &err), 0);
	assert_string_equal(again.socket, uri.socket);
	assert_string_equal(again.export, "a b");
}

static void refuses(void **state)
{
	struct enbd_uri uri;
	struct enbd_err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refused); i++) {
		memset(&err, 0, sizeof(err));
		if (!enbd_uri_parse(refused[i].text, &uri, &err))
			fail_msg("%s: not refused", refused[i].text);
		assert_int_equal(err.code, refused[i].code);
		assert_true(err.text[0]);
	}
}

/* One byte more than fits, and just what fits */
static void lengths(void **state)
{
	char text[ENBD_TEXT_MAX + 8], socket[200];
	const size_t room = sizeof(((struct enbd_uri *)0)->socket);
	struct enbd_uri uri;
	struct enbd_err err;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "nbd://h/", 8);
	text[ENBD_TEXT_MAX] = '\0';
	assert_int_equal(enbd_uri_parse(text, &uri, &err), -1);
	text[ENBD_TEXT_MAX - 1] = '\0';
	assert_int_equal(enbd_uri_parse(text, &uri, &err), 0);

	memset(socket, 'x', sizeof(socket));
	memcpy(socket, "nbd+unix:///?socket=/", 21);
	socket[20 + room] = '\0';
	assert_int_equal(enbd_uri_parse(socket, &uri, &err), -1);
	socket[20 + room - 1] = '\0';
	assert_int_equal(enbd_uri_parse(socket, &uri, &err), 0);
	assert_int_equal(strlen(uri.socket), room - 1);
}

static void from_host(void **state)
{
	struct enbd_uri uri;
	struct enbd_err err;
	char name[64];

	(void)state;
	assert_int_equal(enbd_uri_from_host("h", NULL, &uri, &err), 0);
	assert_string_equal(uri.text, "nbd://h:10809/");
	assert_int_equal(enbd_uri_from_host("::1", "99", &uri, &err), 0);
	assert_string_equal(uri.text, "nbd://[::1]:99/");
	assert_string_equal(enbd_uri_server(&uri, name, sizeof(name)),
			    "[::1]:99");
	assert_int_equal(enbd_uri_set_export(&uri, "a/b c%", &err), 0);
	assert_string_equal(uri.text, "nbd://[::1]:99/a/b%20c%25");
	assert_int_equal(enbd_uri_from_host("a/b", NULL, &uri, &err), -1);
	assert_int_equal(enbd_uri_from_host("h", "x", &uri, &err), -1);
}

/* What fits as bytes may not fit as %XX. */
static void export_too_long_when_encoded(void **state)
{
	char name[600];
	struct enbd_uri uri;
	struct enbd_err err;

	(void)state;
	memset(name, '%', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(enbd_uri_from_host("h", NULL, &uri, &err), 0);
	assert_int_equal(enbd_uri_set_export(&uri, name, &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(enbd_uri_set_export(&uri, name, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_tcp),
		cmocka_unit_test(parses_unix),
		cmocka_unit_test(relative_socket_becomes_absolute),
		cmocka_unit_test(refuses),
		cmocka_unit_test(lengths),
		cmocka_unit_test(from_host),
		cmocka_unit_test(export_too_long_when_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
