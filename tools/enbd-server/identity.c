// SPDX-License-Identifier: GPL-2.0
#include "identity.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char label[] = "enbd signature v1";

/* Fails only without memory or where the library refuses to work at all. */
static void must(int rc)
{
	if (rc)
		abort();
}

void identity_hash(const struct iovec *iov, unsigned int count,
		   uint8_t hash[IDENTITY_LEN])
{
	gnutls_hash_hd_t state;
	unsigned int i;

	must(gnutls_hash_init(&state, GNUTLS_DIG_SHA256));
	for (i = 0; i < count; i++) {
		if (iov[i].iov_len)
			must(gnutls_hash(state, iov[i].iov_base,
					 iov[i].iov_len));
	}
	gnutls_hash_deinit(state, hash);
}

/* A path with its NUL, the same from wherever it is looked at */
static void add_path(gnutls_hmac_hd_t state, const char *path)
{
	char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);

	if (cwd) {
		must(gnutls_hmac(state, cwd, strlen(cwd)));
		must(gnutls_hmac(state, "/", 1));
		free(cwd);
	}
	must(gnutls_hmac(state, path, strlen(path) + 1));
}

void identity_signature(const struct export_config *config, const void *key,
			size_t len, uint8_t signature[IDENTITY_LEN])
{
	unsigned int paths = config->file_count, i;
	gnutls_hmac_hd_t state;

	if (config->secret) {
		key = config->secret;
		len = strlen(config->secret);
	}
	must(gnutls_hmac_init(&state, GNUTLS_MAC_SHA256, key, len));
	/* With its NUL */
	must(gnutls_hmac(state, label, sizeof(label)));
	if (*config->name) {
		must(gnutls_hmac(state, config->name, strlen(config->name)));
		paths = 0;
	}
	if (config->secret)
		paths = 0;
	for (i = 0; i < paths; i++)
		add_path(state, config->files[i]);
	gnutls_hmac_deinit(state, signature);
}

char *identity_hex(char *text, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	text[2 * len] = '\0';
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int identity_from_hex(void *data, size_t len, const char *text)
{
	uint8_t *p = data;
	int high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		high = digit(text[2 * i]);
		low = high < 0 ? -1 : digit(text[2 * i + 1]);
		if (low < 0)
			return -EINVAL;
		p[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
