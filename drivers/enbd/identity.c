// SPDX-License-Identifier: GPL-2.0
#include "identity.h"

#include <linux/errno.h>
#include <linux/string.h>

#include "compat/memneq.h"

#define FEATURES_KNOWN	(ENBD_FEATURE_FENCE | ENBD_FEATURE_KEEPALIVE | \
			 ENBD_FEATURE_RESIZE | ENBD_FEATURE_VERIFIER)

/**
 * enbd_identity_pin() - the administrator says who the server has to be
 * @id:        all zero
 * @signature: ENBD_EXT_SIGNATURE_LEN bytes
 */
void enbd_identity_pin(struct enbd_identity *id, const u8 *signature)
{
	memcpy(id->signature, signature, ENBD_EXT_SIGNATURE_LEN);
	id->has_signature = true;
}

static bool same_signature(const struct enbd_identity *id,
			   const struct enbd_shown *shown)
{
	return shown->signature &&
	       !crypto_memneq(id->signature, shown->signature,
			      ENBD_EXT_SIGNATURE_LEN);
}

/**
 * enbd_identity_check() - may this connection be a channel of the device?
 * @id:    what the device knows
 * @shown: what the server has shown
 *
 * A server without the extension has no signature; it is refused by a device
 * that knows one. Signatures are compared in constant time: how long it takes
 * tells nothing about where they differ.
 *
 * Return: what is wrong, ENBD_IDENTITY_OK if nothing.
 */
enum enbd_identity_fault enbd_identity_check(const struct enbd_identity *id,
					     const struct enbd_shown *shown)
{
	if (shown->features & ~FEATURES_KNOWN)
		return ENBD_IDENTITY_FEATURES;
	/* who the server is matters more than what it can do */
	if (id->has_signature && !same_signature(id, shown))
		return ENBD_IDENTITY_SIGNATURE;
	if (shown->features && (!shown->signature || !shown->verifier))
		return ENBD_IDENTITY_INCOMPLETE;
	if (id->met && shown->features != id->features)
		return ENBD_IDENTITY_FEATURES;
	return ENBD_IDENTITY_OK;
}

/**
 * enbd_identity_judge() - what does the verifier of a connection mean?
 * @id:        what the device knows
 * @shown:     what the server has shown; enbd_identity_check() found no fault
 * @unflushed: the journal is not empty
 *
 * Return: see enum enbd_verdict.
 */
enum enbd_verdict enbd_identity_judge(const struct enbd_identity *id,
				      const struct enbd_shown *shown,
				      bool unflushed)
{
	if (!(shown->features & ENBD_FEATURE_VERIFIER))
		return ENBD_VERIFIER_SAME;
	if (!id->has_verifier)
		return ENBD_VERIFIER_ADOPT;
	if (!crypto_memneq(id->verifier, shown->verifier,
			   ENBD_EXT_VERIFIER_LEN))
		return ENBD_VERIFIER_SAME;
	return unflushed ? ENBD_VERIFIER_STALE : ENBD_VERIFIER_ADOPT;
}

/**
 * enbd_identity_adopt() - a connection has become a channel
 * @id:    what the device knows; takes over what is new
 * @shown: what the server has shown; enbd_identity_check() found no fault
 *
 * The first channel implants features and, unless one was pinned, signature.
 */
void enbd_identity_adopt(struct enbd_identity *id,
			 const struct enbd_shown *shown)
{
	if (!id->met) {
		id->met = true;
		id->features = shown->features;
	}
	if (shown->signature && !id->has_signature)
		enbd_identity_pin(id, shown->signature);
	if (shown->features & ENBD_FEATURE_VERIFIER) {
		memcpy(id->verifier, shown->verifier, ENBD_EXT_VERIFIER_LEN);
		id->has_verifier = true;
	}
}

/* The error that a fault is refused with. */
int enbd_identity_errno(enum enbd_identity_fault fault)
{
	switch (fault) {
	case ENBD_IDENTITY_OK:
		return 0;
	case ENBD_IDENTITY_SIGNATURE:
		return -EKEYREJECTED;
	default:
		return -EINVAL;
	}
}

/* What is told to whoever wanted the channel; NULL if there is no fault. */
const char *enbd_identity_text(enum enbd_identity_fault fault)
{
	switch (fault) {
	case ENBD_IDENTITY_FEATURES:
		return "features of the channel are not the device's, is it the same server?";
	case ENBD_IDENTITY_INCOMPLETE:
		return "signature or verifier of the channel is missing";
	case ENBD_IDENTITY_SIGNATURE:
		return "signature is not the device's, this is another server or export";
	default:
		return NULL;
	}
}
