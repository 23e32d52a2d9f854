// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/record.c tools/enbd-server/identity.c */
/* Signatures, verifiers, and what is remembered of an export: the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/record.h"

static const uint8_t key[] = "a random key";

static void sign(struct export_config *config, uint8_t *signature)
{
	identity_signature(config, key, sizeof(key), signature);
}

/* HMAC-SHA-256 of "enbd signature v1\0x" with the key "sec", by openssl */
static void test_signature(void **state)
{
	static const char want[] =
		"354801928cc2c1f6be869085bf3d4ed610b9add9e13eb558afb77af6edda4622";
	char *files[] = { "/a" }, *others[] = { "/b" };
	struct export_config config = {
		.name = "x", .secret = "sec", .files = files, .file_count = 1,
	};
	uint8_t one[IDENTITY_LEN], two[IDENTITY_LEN];
	char text[2 * IDENTITY_LEN + 1];

	(void)state;
	sign(&config, one);
	assert_string_equal(identity_hex(text, one, sizeof(one)), want);
	assert_int_equal(identity_from_hex(two, sizeof(two), text), 0);
	assert_memory_equal(one, two, sizeof(one));
	/* The files do not matter to it. */
	config.files = others;
	sign(&config, two);
	assert_memory_equal(one, two, sizeof(one));
	config.name = "";
	sign(&config, one);
	assert_memory_not_equal(one, two, sizeof(one));
	config.files = files;
	sign(&config, two);
	assert_memory_equal(one, two, sizeof(one));
	/* Without a secret they do, but only where there is no name. */
	config.secret = NULL;
	sign(&config, one);
	assert_memory_not_equal(one, two, sizeof(one));
	config.files = others;
	sign(&config, two);
	assert_memory_not_equal(one, two, sizeof(one));
	config.name = "x";
	sign(&config, one);
	config.files = files;
	sign(&config, two);
	assert_memory_equal(one, two, sizeof(one));
	identity_signature(&config, key + 1, sizeof(key) - 1, two);
	assert_memory_not_equal(one, two, sizeof(one));
}

/* A relative path means another file elsewhere. */
static void test_relative(void **state)
{
	char *files[] = { "disk" }, *absolute[] = { "/tmp/disk" };
	struct export_config config = {
		.name = "", .files = files, .file_count = 1,
	};
	uint8_t here[IDENTITY_LEN], there[IDENTITY_LEN];

	(void)state;
	assert_int_equal(chdir("/"), 0);
	sign(&config, here);
	assert_int_equal(chdir("/tmp"), 0);
	sign(&config, there);
	assert_memory_not_equal(here, there, sizeof(here));
	config.files = absolute;
	sign(&config, here);
	assert_memory_equal(here, there, sizeof(here));
}

static void test_hex(void **state)
{
	uint8_t byte;

	(void)state;
	assert_int_equal(identity_from_hex(&byte, 1, "a0"), 0);
	assert_int_equal(byte, 0xa0);
	assert_int_equal(identity_from_hex(&byte, 1, ""), -EINVAL);
	assert_int_equal(identity_from_hex(&byte, 1, "a"), -EINVAL);
	assert_int_equal(identity_from_hex(&byte, 1, "g0"), -EINVAL);
	assert_int_equal(identity_from_hex(&byte, 1, "A0"), -EINVAL);
}

static struct record example(void)
{
	struct record record = {
		.sequence = UINT64_MAX,
		.changes = UINT64_MAX,
		.until = INT64_MIN + 1,
		.clean = true,
	};

	memset(record.generation, 0xa5, sizeof(record.generation));
	memset(record.boot, 0x3c, sizeof(record.boot));
	memset(record.stamp, 0x5a, sizeof(record.stamp));
	memset(record.lasting, 0xc3, sizeof(record.lasting));
	return record;
}

static void test_slot(void **state)
{
	struct record in = example(), out;
	char slot[RECORD_SLOT], broken[RECORD_SLOT];
	unsigned int i, end;

	(void)state;
	record_format(&in, slot);
	assert_true(record_parse(&out, slot));
	assert_int_equal(out.sequence, in.sequence);
	assert_int_equal(out.changes, in.changes);
	assert_int_equal(out.until, in.until);
	assert_true(out.clean);
	assert_memory_equal(out.generation, in.generation, GENERATION_LEN);
	assert_memory_equal(out.boot, in.boot, IDENTITY_LEN);
	assert_memory_equal(out.stamp, in.stamp, IDENTITY_LEN);
	assert_memory_equal(out.lasting, in.lasting, IDENTITY_LEN);
	in.clean = false;
	in.sequence = 1;
	in.until = 1795185143906090913;
	record_format(&in, slot);
	assert_true(record_parse(&out, slot));
	assert_false(out.clean);
	assert_int_equal(out.until, in.until);
	/* Written only in part, or changed anywhere */
	for (end = RECORD_SLOT; slot[end - 1] == '\n'; end--)
		;
	for (i = 0; i < end; i++) {
		memcpy(broken, slot, sizeof(slot));
		memset(broken + i, 0, sizeof(slot) - i);
		assert_false(record_parse(&out, broken));
		memcpy(broken, slot, sizeof(slot));
		broken[i] ^= 1;
		assert_false(record_parse(&out, broken));
	}
	memset(broken, 0, sizeof(broken));
	assert_false(record_parse(&out, broken));
	memset(broken, '\n', sizeof(broken));
	assert_false(record_parse(&out, broken));
}

/* When is everything there that was acknowledged? */
static void test_doubt(void **state)
{
	static const struct {
		const char *what;
		bool clean;
		char boot;	/* 'b' it was */
		char files;	/* 's' they were */
		char lasting;	/* 'l' it was, 0: nobody can know */
		int64_t until;
		int64_t changed;
		bool trusted;
	} table[] = {
		{ "ended in order, the same", true, 'b', 's', 0, 0, 100, true },
		{ "ended in order, touched", true, 'b', 't', 'l', 0, 100,
		  false },
		{ "ended in order, touched in the lease", true, 'b', 't', 'l',
		  200, 100, false },
		{ "killed, our last write", false, 'b', 's', 0, 100, 99, true },
		{ "killed, at the end of the lease", false, 'b', 's', 0, 100,
		  100, true },
		{ "killed, changed after", false, 'b', 's', 'l', 100, 101,
		  false },
		{ "killed, other files, not changed", false, 'b', 't', 'l', 100,
		  99, false },
		{ "killed, block device: nobody can see", false, 'b', 's', 0,
		  100, 0, true },
		{ "ended in order, another boot", true, 'c', 't', 'l', 0, 100,
		  true },
		{ "ended in order, another boot, changed", true, 'c', 's', 'm',
		  0, 100, false },
		{ "ended in order, another boot, a block device", true, 'c',
		  's', 0, 0, 0, false },
		{ "killed, another boot", false, 'c', 's', 'l', 200, 100,
		  false },
	};
	struct observed then, now;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct record record = example();
		uint8_t boot[IDENTITY_LEN];
		bool trusted;

		memset(&then, 's', sizeof(then));
		memset(then.lasting, 'l', sizeof(then.lasting));
		then.lasts = true;
		memset(record.boot, 'b', sizeof(record.boot));
		memset(record.stamp, 's', sizeof(record.stamp));
		memset(record.lasting, 'l', sizeof(record.lasting));
		record.clean = false;
		if (table[i].clean)
			record_leave(&record, &then);
		assert_int_equal(record.clean, table[i].clean);
		record.until = table[i].until;
		memset(&now, table[i].files, sizeof(now));
		memset(now.lasting, table[i].lasting, sizeof(now.lasting));
		now.lasts = table[i].lasting;
		now.changed = table[i].changed;
		memset(boot, table[i].boot, sizeof(boot));
		trusted = !record_doubt(&record, boot, &now);
		if (trusted != table[i].trusted)
			fail_msg("%s", table[i].what);
	}
}

/* Left by files that nobody could know again: later ones that could are others. */
static void test_leave(void **state)
{
	struct record record = example();
	struct observed now = { .lasting = "x" };
	uint8_t boot[IDENTITY_LEN] = "another";

	(void)state;
	record_leave(&record, &now);
	now.lasts = true;
	assert_non_null(record_doubt(&record, boot, &now));
	record_leave(&record, &now);
	assert_null(record_doubt(&record, boot, &now));
}

/* A boot's name has no fixed length. */
static void test_boot(void **state)
{
	uint8_t one[IDENTITY_LEN], two[IDENTITY_LEN];

	(void)state;
	record_boot("boot", 4, one);
	record_boot("boot", 4, two);
	assert_memory_equal(one, two, IDENTITY_LEN);
	record_boot("boot", 3, two);
	assert_memory_not_equal(one, two, IDENTITY_LEN);
	record_boot("Boot", 4, two);
	assert_memory_not_equal(one, two, IDENTITY_LEN);
}

/* Another generation is another verifier, and nothing else is. */
static void test_verifier(void **state)
{
	struct record record = example();
	uint8_t one[IDENTITY_LEN], two[IDENTITY_LEN];

	(void)state;
	record_verifier(&record, one);
	record.clean = false;
	record.sequence = 1;
	memset(record.boot, 0, sizeof(record.boot));
	memset(record.stamp, 0, sizeof(record.stamp));
	record_verifier(&record, two);
	assert_memory_equal(one, two, IDENTITY_LEN);
	record.generation[GENERATION_LEN - 1] ^= 1;
	record_verifier(&record, two);
	assert_memory_not_equal(one, two, IDENTITY_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
