// SPDX-License-Identifier: GPL-2.0
/* Nothing that a peer says may reach a terminal or a JSON reader raw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "error.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in, *terminal, *json;
} table[] = {
	{ "plain", "plain", "plain" },
	{ "", "", "" },
	{ "a\nb\tc\r", "a?b?c?", "a\nb\tc\r" },
	{ "\x1b[31mred", "?[31mred", "\x1b[31mred" },
	{ "\x7f", "?", "\x7f" },
	{ "\xc2\x9b" "31m", "?31m", "\xc2\x9b" "31m" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
	  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
	  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7" },
	{ "\xe2\x80\xae" "txt", "?txt", "\xe2\x80\xae" "txt" },
	{ "\xff\xfe", "??", "??" },
	{ "\xc3", "?", "?" },
	{ "\xc0\x80", "??", "??" },			/* overlong NUL */
	{ "\xed\xa0\x80", "???", "???" },		/* surrogate */
	{ "\xf4\x90\x80\x80", "????", "????" },		/* above U+10FFFF */
	{ "\xe2\x82", "??", "??" },
	{ "\x80" "a", "?a", "?a" },
};

static void cleans(void **state)
{
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(table); i++) {
		enbd_text_clean(out, sizeof(out), table[i].in,
				strlen(table[i].in));
		assert_string_equal(out, table[i].terminal);
		enbd_text_utf8(out, sizeof(out), table[i].in,
			       strlen(table[i].in));
		assert_string_equal(out, table[i].json);
	}
}

/* A sequence that does not fit is left out whole. */
static void cuts(void **state)
{
	char out[4];

	(void)state;
	enbd_text_clean(out, 4, "abcdef", 6);
	assert_string_equal(out, "abc");
	enbd_text_clean(out, 4, "ab\xc3\xa4", 4);
	assert_string_equal(out, "ab");
	enbd_text_clean(out, 1, "a", 1);
	assert_string_equal(out, "");
	enbd_text_clean(out, 4, "a\0b", 3);
	assert_string_equal(out, "a?b");
	enbd_text_utf8(out, 4, "a\0b", 3);
	assert_string_equal(out, "a");
}

static void errors(void **state)
{
	char longer[2 * sizeof(((struct enbd_err *)0)->text)];
	struct enbd_err err;

	(void)state;
	assert_int_equal(enbd_fail(&err, ENBD_EXIT_BUSY, "a %d", 7), -1);
	assert_int_equal(err.code, ENBD_EXIT_BUSY);
	assert_int_equal(enbd_fail_prefix(&err, "%s", "b"), -1);
	assert_string_equal(err.text, "b: a 7");
	assert_int_equal(err.code, ENBD_EXIT_BUSY);
	enbd_fail(&err, ENBD_EXIT_BUSY, "again: %s", err.text);
	assert_string_equal(err.text, "again: b: a 7");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	enbd_fail_prefix(&err, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	enbd_fail(&err, ENBD_EXIT_BUSY, "%s", longer);
	enbd_fail_prefix(&err, "prefix");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "prefix: xxx", 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleans),
		cmocka_unit_test(cuts),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
