/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the server at the other end of a new connection the one that a device
 * belongs to, and has it forgotten anything? Decisions only.
 *
 * Pure code, compiled in userspace as well for its tests. What it compares is
 * in Documentation/protocol.rst, "HELLO".
 */
#ifndef ENBD_IDENTITY_H
#define ENBD_IDENTITY_H

#include <linux/types.h>
#include <linux/enbd_wire.h>

/**
 * struct enbd_shown - what a server has shown on a new connection
 * @features:  ENBD_FEATURE_* granted, 0 for a server without the extension
 * @signature: ENBD_EXT_SIGNATURE_LEN bytes, NULL if there was none
 * @verifier:  ENBD_EXT_VERIFIER_LEN bytes, NULL if there was none
 */
struct enbd_shown {
	u32 features;
	const u8 *signature;
	const u8 *verifier;
};

/**
 * struct enbd_identity - what a device knows of its server
 * @features:  of all its channels
 * @met:       it has had a channel: @features are settled
 * @has_signature: @signature was pinned, or implanted by the first channel
 * @has_verifier:  @verifier was shown by a channel
 * @signature: never told to anybody
 * @verifier:  shown last
 *
 * All zero before anything is known.
 */
struct enbd_identity {
	u32 features;
	bool met;
	bool has_signature;
	bool has_verifier;
	u8 signature[ENBD_EXT_SIGNATURE_LEN];
	u8 verifier[ENBD_EXT_VERIFIER_LEN];
};

/* What is wrong with a connection */
enum enbd_identity_fault {
	ENBD_IDENTITY_OK,
	ENBD_IDENTITY_FEATURES,		/* not the device's, or unknown ones */
	ENBD_IDENTITY_INCOMPLETE,	/* the extension without its attributes */
	ENBD_IDENTITY_SIGNATURE,	/* another server or export */
};

/* What a verifier means */
enum enbd_verdict {
	ENBD_VERIFIER_SAME,	/* nothing can have been lost */
	ENBD_VERIFIER_ADOPT,	/* new, and there was nothing to lose */
	ENBD_VERIFIER_STALE,	/* writes that were acknowledged may be lost */
};

void enbd_identity_pin(struct enbd_identity *id, const u8 *signature);
enum enbd_identity_fault enbd_identity_check(const struct enbd_identity *id,
					     const struct enbd_shown *shown);
enum enbd_verdict enbd_identity_judge(const struct enbd_identity *id,
				      const struct enbd_shown *shown,
				      bool unflushed);
void enbd_identity_adopt(struct enbd_identity *id,
			 const struct enbd_shown *shown);
int enbd_identity_errno(enum enbd_identity_fault fault);
const char *enbd_identity_text(enum enbd_identity_fault fault);

#endif /* ENBD_IDENTITY_H */
