// SPDX-License-Identifier: GPL-2.0
/* Signatures: derived, written, read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "signature.h"

static uint8_t signature[ENBD_EXT_SIGNATURE_LEN];

/* printf 'enbd signature v1\0disk' | openssl dgst -sha256 -hmac secret */
static void derives(void **state)
{
	char text[ENBD_SIGNATURE_TEXT];

	(void)state;
	assert_int_equal(enbd_signature_derive("secret", 6, "disk", signature),
			 0);
	assert_string_equal(enbd_hex(text, sizeof(text), signature,
				     sizeof(signature)),
			    "abd93a69873344e752f80da249d0526fa860a309506df9b5386de7074df43c81");
	assert_int_equal(enbd_signature_derive("secret", 6, "", signature), 0);
	assert_string_equal(enbd_hex(text, sizeof(text), signature,
				     sizeof(signature)),
			    "e83928748f61498f0d4d0d9d32587263962754740219014cde55fa83d46ee54d");
}

static void reads_and_writes(void **state)
{
	const char *text =
		"000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1eFf";
	char out[ENBD_SIGNATURE_TEXT], cut[ENBD_SIGNATURE_SHORT];

	(void)state;
	assert_int_equal(enbd_signature_parse(text, signature), 0);
	assert_int_equal(signature[0], 0);
	assert_int_equal(signature[30], 0x1e);
	assert_int_equal(signature[31], 0xff);
	assert_string_equal(enbd_hex(out, sizeof(out), signature,
				     sizeof(signature)),
			    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff");
	assert_string_equal(enbd_hex(cut, sizeof(cut), signature,
				     sizeof(signature)), "00010203");
}

static void refuses_others(void **state)
{
	static const char *const table[] = {
		"", "00",
		/* one short, one long */
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
		/* no digits */
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
		"0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		" 0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddee\n\n",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddee/:",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddee@`",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(enbd_signature_parse(table[i], signature), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives),
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(refuses_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
