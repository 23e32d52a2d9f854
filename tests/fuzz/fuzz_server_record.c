// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/record.c tools/enbd-server/identity.c */
/*
 * Any bytes as a slot of an export's file; then the same with the checksum made
 * right, so that the text behind it is read. What is taken is written the same.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/enbd-server/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *slot)
{
	struct record record, again;
	char text[RECORD_SLOT];

	if (!record_parse(&record, slot))
		return;
	record_format(&record, text);
	if (!record_parse(&again, text) || again.sequence != record.sequence ||
	    again.changes != record.changes || again.until != record.until ||
	    again.clean != record.clean ||
	    memcmp(again.generation, record.generation, GENERATION_LEN) ||
	    memcmp(again.boot, record.boot, IDENTITY_LEN) ||
	    memcmp(again.stamp, record.stamp, IDENTITY_LEN) ||
	    memcmp(again.lasting, record.lasting, IDENTITY_LEN))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char slot[RECORD_SLOT] = "";
	uint8_t hash[IDENTITY_LEN];
	struct iovec iov;
	char *sum;

	memcpy(slot, data, size < RECORD_SLOT ? size : RECORD_SLOT);
	check(slot);
	sum = memmem(slot, sizeof(slot), "\nsum ", 5);
	if (!sum || sum + 5 + 2 * IDENTITY_LEN + 1 > slot + sizeof(slot))
		return 0;
	sum += 5;
	iov.iov_base = slot;
	iov.iov_len = (size_t)(sum - slot);
	identity_hash(&iov, 1, hash);
	identity_hex(sum, hash, sizeof(hash));
	check(slot);
	return 0;
}
