// SPDX-License-Identifier: GPL-2.0
#include "record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEX(len)	(2 * (len) + 1)
#define SUM_LEN		HEX(IDENTITY_LEN)	/* with the newline */

static const char head[] = "enbd-export 1\n";
static const char label[] = "enbd verifier v1";

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
	char generation[HEX(GENERATION_LEN)], stamp[HEX(IDENTITY_LEN)];
	char sum[SUM_LEN];
	int n;

	identity_hex(generation, record->generation, GENERATION_LEN);
	identity_hex(stamp, record->stamp, IDENTITY_LEN);
	memset(slot, '\n', RECORD_SLOT);
	n = snprintf(slot, RECORD_SLOT,
		     "%ssequence %" PRIu64 "\ngeneration %s\nchanges %" PRIu64
		     "\nstate %s\nuntil %" PRId64 "\nstamp %s\nsum ",
		     head, record->sequence, generation, record->changes,
		     record->clean ? "clean" : "serving", record->until,
		     stamp);
	assert(n > 0 && (size_t)n + SUM_LEN <= RECORD_SLOT);
	checksum(slot, (size_t)n, sum);
	memcpy(slot + n, sum, SUM_LEN - 1);
	slot[n + (int)SUM_LEN - 1] = '\n';
}

static bool parse_text(struct record *record, const char *text)
{
	char generation[HEX(GENERATION_LEN)], stamp[HEX(IDENTITY_LEN)];
	char state[8];
	int end = 0;

	if (strncmp(text, head, strlen(head)))
		return false;
	if (sscanf(text + strlen(head),
		   "sequence %20" SCNu64 "\ngeneration %32[0-9a-f]\n"
		   "changes %20" SCNu64 "\nstate %7[a-z]\nuntil %20" SCNd64
		   "\nstamp %64[0-9a-f]\nsum %n",
		   &record->sequence, generation, &record->changes, state,
		   &record->until, stamp, &end) != 6 || !end)
		return false;
	record->clean = !strcmp(state, "clean");
	return strlen(generation) == sizeof(generation) - 1 &&
	       strlen(stamp) == sizeof(stamp) - 1 &&
	       !identity_from_hex(record->generation, GENERATION_LEN,
				  generation) &&
	       !identity_from_hex(record->stamp, IDENTITY_LEN, stamp);
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

bool record_trusts(const struct record *record, const struct observed *now)
{
	if (record->clean)
		return !memcmp(record->stamp, now->stamp, IDENTITY_LEN);
	return now->changed <= record->until;
}

void record_verifier(const void *boot_id, size_t len,
		     const uint8_t identity[IDENTITY_LEN],
		     const uint8_t *generation,
		     uint8_t verifier[IDENTITY_LEN])
{
	/* What has no fixed length is hashed by itself. */
	const struct iovec boot = { .iov_base = (void *)boot_id,
				    .iov_len = len };
	uint8_t boot_hash[IDENTITY_LEN];
	const struct iovec iov[] = {
		{ .iov_base = (void *)label, .iov_len = sizeof(label) },
		{ .iov_base = boot_hash, .iov_len = IDENTITY_LEN },
		{ .iov_base = (void *)identity, .iov_len = IDENTITY_LEN },
		{ .iov_base = (void *)generation, .iov_len = GENERATION_LEN },
	};

	identity_hash(&boot, 1, boot_hash);
	identity_hash(iov, sizeof(iov) / sizeof(iov[0]), verifier);
}
