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
 * @boot: of the host, while the server ran; record_boot()
 * @stamp: struct observed; with @clean the files' @stamp as they were left,
 *         without their @identity
 * @lasting: with @clean: the files' @lasting, zero if they have none
 */
struct record {
	uint64_t sequence;
	uint8_t generation[GENERATION_LEN];
	uint64_t changes;
	bool clean;
	int64_t until;
	uint8_t boot[IDENTITY_LEN];
	uint8_t stamp[IDENTITY_LEN];
	uint8_t lasting[IDENTITY_LEN];
};

/**
 * struct observed - what the files of an export look like
 * @identity: which files or devices these are
 * @stamp: the same and their sizes and times of change
 * @lasting: the same, by what does not change when the host boots; only with
 *           @lasts
 * @lasts: all of them could be known again after that
 * @changed: ns of CLOCK_REALTIME; the latest change of any of them, 0 where
 *           that cannot be seen
 */
struct observed {
	uint8_t identity[IDENTITY_LEN];
	uint8_t stamp[IDENTITY_LEN];
	uint8_t lasting[IDENTITY_LEN];
	bool lasts;
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
 * record_boot() - what names this boot of the host, as the record has it
 * @boot_id: the host's word
 * @len: bytes
 * @boot: receives it
 */
void record_boot(const void *boot_id, size_t len, uint8_t boot[IDENTITY_LEN]);

/* Remember the files as they are left, with everything on stable storage. */
void record_leave(struct record *record, const struct observed *now);

/**
 * record_doubt() - is everything there that clients were told is there?
 * @record: what was remembered
 * @boot: of the host, now
 * @now: what the files look like
 *
 * Return: NULL, or a text that says why that is not known.
 */
const char *record_doubt(const struct record *record,
			 const uint8_t boot[IDENTITY_LEN],
			 const struct observed *now);

/**
 * record_verifier() - the verifier of an export
 * @record: what is remembered
 * @verifier: receives it
 */
void record_verifier(const struct record *record,
		     uint8_t verifier[IDENTITY_LEN]);

#endif /* ENBD_SERVER_RECORD_H */
