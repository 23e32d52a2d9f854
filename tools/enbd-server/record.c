// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEX(len)	(2 * (len) + 1)
#define SUM_LEN		HEX(IDENTITY_LEN)	/* with the newline */

static const char head[] = "enbd-export 2\n";
static const char label[] = "enbd verifier v2";

/* The checksum of a slot's text, in hexadecimal digits */
static void checksum(const char *text, size_t len, char sum[SUM_LEN])
{
	const struct iovec iov = { .iov_base = (void *)text, .iov_len = len };
	uint8_t hash[IDENTITY_LEN];

	identity_hash(&iov, 1, hash);
	identity_hex(sum, hash, sizeof(hash));
}

void record_format(const struct record *record, char slot[RECORD_SLOT])
{
	char generation[HEX(GENERATION_LEN)], boot[HEX(IDENTITY_LEN)];
	char stamp[HEX(IDENTITY_LEN)], lasting[HEX(IDENTITY_LEN)];
	char sum[SUM_LEN];
	int n;

	identity_hex(generation, record->generation, GENERATION_LEN);
	identity_hex(boot, record->boot, IDENTITY_LEN);
	identity_hex(stamp, record->stamp, IDENTITY_LEN);
	identity_hex(lasting, record->lasting, IDENTITY_LEN);
	memset(slot, '\n', RECORD_SLOT);
	n = snprintf(slot, RECORD_SLOT,
		     "%ssequence %" PRIu64 "\ngeneration %s\nchanges %" PRIu64
		     "\nstate %s\nuntil %" PRId64
		     "\nboot %s\nstamp %s\nlasting %s\nsum ",
		     head, record->sequence, generation, record->changes,
		     record->clean ? "clean" : "serving", record->until,
		     boot, stamp, lasting);
	assert(n > 0 && (size_t)n + SUM_LEN <= RECORD_SLOT);
	checksum(slot, (size_t)n, sum);
	memcpy(slot + n, sum, SUM_LEN - 1);
	slot[n + (int)SUM_LEN - 1] = '\n';
}

/* All of it, or nothing */
static bool from_hex(uint8_t *data, size_t len, const char *text)
{
	return strlen(text) == 2 * len && !identity_from_hex(data, len, text);
}

static bool parse_text(struct record *record, const char *text)
{
	char generation[HEX(GENERATION_LEN)], boot[HEX(IDENTITY_LEN)];
	char stamp[HEX(IDENTITY_LEN)], lasting[HEX(IDENTITY_LEN)];
	char state[8];
	int end = 0;

	if (strncmp(text, head, strlen(head)))
		return false;
	if (sscanf(text + strlen(head),
		   "sequence %20" SCNu64 "\ngeneration %32[0-9a-f]\n"
		   "changes %20" SCNu64 "\nstate %7[a-z]\nuntil %20" SCNd64
		   "\nboot %64[0-9a-f]\nstamp %64[0-9a-f]\n"
		   "lasting %64[0-9a-f]\nsum %n",
		   &record->sequence, generation, &record->changes, state,
		   &record->until, boot, stamp, lasting, &end) != 8 || !end)
		return false;
	record->clean = !strcmp(state, "clean");
	return from_hex(record->generation, GENERATION_LEN, generation) &&
	       from_hex(record->boot, IDENTITY_LEN, boot) &&
	       from_hex(record->stamp, IDENTITY_LEN, stamp) &&
	       from_hex(record->lasting, IDENTITY_LEN, lasting);
}

bool record_parse(struct record *record, const char *slot)
{
	char text[RECORD_SLOT + 1], sum[SUM_LEN];
	char *found;
	size_t len;

	memcpy(text, slot, RECORD_SLOT);
	text[RECORD_SLOT] = '\0';
	memset(record, 0, sizeof(*record));
	found = strstr(text, "\nsum ");
	if (!found)
		return false;
	len = (size_t)(found - text) + strlen("\nsum ");
	checksum(text, len, sum);
	return !strncmp(text + len, sum, SUM_LEN - 1) &&
	       parse_text(record, text);
}

void record_boot(const void *boot_id, size_t len, uint8_t boot[IDENTITY_LEN])
{
	const struct iovec iov = { .iov_base = (void *)boot_id,
				   .iov_len = len };

	identity_hash(&iov, 1, boot);
}

static bool same(const uint8_t a[IDENTITY_LEN], const uint8_t b[IDENTITY_LEN])
{
	return !memcmp(a, b, IDENTITY_LEN);
}

void record_leave(struct record *record, const struct observed *now)
{
	record->clean = true;
	memcpy(record->stamp, now->stamp, IDENTITY_LEN);
	memset(record->lasting, 0, IDENTITY_LEN);
	if (now->lasts)
		memcpy(record->lasting, now->lasting, IDENTITY_LEN);
}

const char *record_doubt(const struct record *record,
			 const uint8_t boot[IDENTITY_LEN],
			 const struct observed *now)
{
	static const char changed[] =
		"its files were changed while this server did not serve them";
	static const char crashed[] =
		"the machine was restarted before its last server had ended in order";
	static const char unknown[] =
		"the machine was restarted, and its block devices may have been changed meanwhile";

	if (same(record->boot, boot)) {
		if (record->clean)
			return same(record->stamp, now->stamp) ? NULL : changed;
		return same(record->stamp, now->identity) &&
		       now->changed <= record->until ? NULL : changed;
	}
	/* What was not on stable storage is gone. */
	if (!record->clean)
		return crashed;
	if (!now->lasts)
		return unknown;
	return same(record->lasting, now->lasting) ? NULL : changed;
}

void record_verifier(const struct record *record,
		     uint8_t verifier[IDENTITY_LEN])
{
	const struct iovec iov[] = {
		{ .iov_base = (void *)label, .iov_len = sizeof(label) },
		{ .iov_base = (void *)record->generation,
		  .iov_len = GENERATION_LEN },
	};

	identity_hash(iov, sizeof(iov) / sizeof(iov[0]), verifier);
}
