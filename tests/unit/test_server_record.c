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
	memset(record.stamp, 0x5a, sizeof(record.stamp));
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
	assert_memory_equal(out.stamp, in.stamp, IDENTITY_LEN);
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

/* When are the files as we left them? */
static void test_trust(void **state)
{
	static const struct {
		const char *what;
		bool clean;
		char stamp;
		int64_t until;
		int64_t changed;
		bool trusted;
	} table[] = {
		{ "ended in order, the same", true, 's', 0, 100, true },
		{ "ended in order, touched", true, 't', 0, 100, false },
		{ "ended in order, touched in the lease", true, 't', 200, 100,
		  false },
		{ "killed, our last write", false, 's', 100, 99, true },
		{ "killed, at the end of the lease", false, 's', 100, 100,
		  true },
		{ "killed, changed after", false, 's', 100, 101, false },
		{ "killed, changed after, though the stamp is the same", false,
		  's', 100, 101, false },
		{ "killed, block device: nobody can see", false, 's', 100, 0,
		  true },
	};
	struct observed now;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct record record = example();

		memset(record.stamp, 's', sizeof(record.stamp));
		memset(&now, 0, sizeof(now));
		memset(now.stamp, table[i].stamp, sizeof(now.stamp));
		now.changed = table[i].changed;
		record.clean = table[i].clean;
		record.until = table[i].until;
		if (record_trusts(&record, &now) != table[i].trusted)
			fail_msg("%s", table[i].what);
	}
}

/* Each of what it is made of changes it. */
static void test_verifier(void **state)
{
	uint8_t identity[IDENTITY_LEN] = { 1 }, other[IDENTITY_LEN] = { 2 };
	uint8_t generation[GENERATION_LEN] = { 1 }, next[GENERATION_LEN] = { 2 };
	uint8_t v[6][IDENTITY_LEN];
	unsigned int i, j;

	(void)state;
	record_verifier("boot", 4, identity, generation, v[0]);
	record_verifier("boot", 4, identity, generation, v[1]);
	assert_memory_equal(v[0], v[1], IDENTITY_LEN);
	record_verifier("Boot", 4, identity, generation, v[1]);
	record_verifier("boot", 3, identity, generation, v[2]);
	record_verifier("boot", 4, other, generation, v[3]);
	record_verifier("boot", 4, identity, next, v[4]);
	record_verifier("", 0, identity, generation, v[5]);
	for (i = 0; i < 6; i++) {
		for (j = 0; j < i; j++)
			assert_memory_not_equal(v[i], v[j], IDENTITY_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_verifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
