/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of an export between two runs of the server, as text in
 * a file that is only ever written in place: it needs no space when the disk is
 * full, and the lock on it stays. Pure functions.
 */
#ifndef ENBD_SERVER_RECORD_H
#define ENBD_SERVER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "identity.h"

#define GENERATION_LEN	16u
/* Two slots are written in turn, so that one is always whole. */
#define RECORD_SLOT	512u
#define RECORD_SLOTS	2u

/**
 * struct record - one slot
 * @sequence: grows; the slot with the higher one counts
 * @generation: random; a new one each time data may have been lost
 * @changes: how often that was
 * @clean: the server ended in order, and everything was on stable storage
 * @until: ns of CLOCK_REALTIME; without @clean: the server has changed no file
 *         after that
 * @stamp: with @clean: of the files as they were left, struct observed
 */
struct record {
	uint64_t sequence;
	uint8_t generation[GENERATION_LEN];
	uint64_t changes;
	bool clean;
	int64_t until;
	uint8_t stamp[IDENTITY_LEN];
};

/**
 * struct observed - what the files of an export look like
 * @identity: which files or devices these are
 * @stamp: the same and their sizes and times of change
 * @changed: ns of CLOCK_REALTIME; the latest change of any of them, 0 where
 *           that cannot be seen
 */
struct observed {
	uint8_t identity[IDENTITY_LEN];
	uint8_t stamp[IDENTITY_LEN];
	int64_t changed;
};

/* Write a record as the text of a slot. */
void record_format(const struct record *record, char slot[RECORD_SLOT]);

/**
 * record_parse() - read a slot
 * @record: receives it
 * @slot: RECORD_SLOT bytes
 *
 * Return: false if the slot was never written, or not to its end.
 */
bool record_parse(struct record *record, const char *slot);

/**
 * record_trusts() - has nobody else changed the files since?
 * @record: what was remembered
 * @now: what they look like
 */
bool record_trusts(const struct record *record, const struct observed *now);

/**
 * record_verifier() - the verifier of an export
 * @boot_id: names this boot of the host
 * @len: bytes
 * @identity: of the files
 * @generation: GENERATION_LEN bytes
 * @verifier: receives it
 */
void record_verifier(const void *boot_id, size_t len,
		     const uint8_t identity[IDENTITY_LEN],
		     const uint8_t *generation,
		     uint8_t verifier[IDENTITY_LEN]);

#endif /* ENBD_SERVER_RECORD_H */
