// SPDX-License-Identifier: GPL-2.0
#include "signature.h"

#include <gnutls/crypto.h>
#include <string.h>

int enbd_signature_derive(const void *secret, size_t len, const char *export,
			  uint8_t signature[ENBD_EXT_SIGNATURE_LEN])
{
	/* Its terminating zero is part of it. */
	static const char label[] = "enbd signature v1";
	gnutls_hmac_hd_t hmac;
	int rc;

	if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, secret, len))
		return -1;
	rc = gnutls_hmac(hmac, label, sizeof(label)) ||
	     gnutls_hmac(hmac, export, strlen(export));
	gnutls_hmac_deinit(hmac, signature);
	return rc ? -1 : 0;
}

char *enbd_signature_digest(const uint8_t signature[ENBD_EXT_SIGNATURE_LEN],
			    char text[ENBD_SIGNATURE_DIGEST])
{
	uint8_t hash[32];

	text[0] = '\0';
	if (!gnutls_hash_fast(GNUTLS_DIG_SHA256, signature,
			      ENBD_EXT_SIGNATURE_LEN, hash))
		enbd_hex(text, ENBD_SIGNATURE_DIGEST, hash, sizeof(hash));
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int enbd_unhex(const char *text, uint8_t *data, size_t len)
{
	size_t i;
	int high, low;

	if (strlen(text) != 2 * len)
		return -1;
	for (i = 0; i < len; i++) {
		high = digit(text[2 * i]);
		low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int enbd_signature_parse(const char *text,
			 uint8_t signature[ENBD_EXT_SIGNATURE_LEN])
{
	return enbd_unhex(text, signature, ENBD_EXT_SIGNATURE_LEN);
}

char *enbd_hex(char *buf, size_t size, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < 2 * len && i + 1 < size; i++)
		buf[i] = digits[i % 2 ? data[i / 2] & 15 : data[i / 2] >> 4];
	buf[i] = '\0';
	return buf;
}
