/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of identity.c: who is known, who shows up, and what is said to that.
 * Included by identity_kunit.c in the kernel and by tests/unit/test_identity.c
 * outside of it.
 */
#ifndef ENBD_IDENTITY_CASES_H
#define ENBD_IDENTITY_CASES_H

#include "identity.h"

#include <linux/errno.h>

#define F	ENBD_FEATURE_FENCE
#define FV	(ENBD_FEATURE_FENCE | ENBD_FEATURE_VERIFIER)
#define ALL	(FV | ENBD_FEATURE_KEEPALIVE | ENBD_FEATURE_RESIZE)

/* Texts of 32 letters; they differ in one, at either end or within */
#define SIG_A	"abcdefghijklmnopqrstuvwxyz012345"
#define SIG_B	"abcdefghijklmnopqrstuvwxyz012344"
#define SIG_C	"bbcdefghijklmnopqrstuvwxyz012345"
#define SIG_D	"abcdefghijklmnoqqrstuvwxyz012345"
#define VER_1	"11111111111111111111111111111111"
#define VER_2	"11111111111111111111111111111112"

/**
 * struct identity_case - a connection
 * @name:     what holds
 * @pin:      signature that the administrator has pinned, or NULL
 * @met:      there was a channel before, of the next three
 * @features: see struct enbd_shown
 * @signature: see struct enbd_shown
 * @verifier: see struct enbd_shown
 * @show:     what the new connection shows
 * @fault:    enum enbd_identity_fault
 * @clean:    what its verifier means with an empty journal
 * @dirty:    what it means with one that is not
 */
struct identity_case {
	const char *name;
	const char *pin;
	bool met;
	u32 features;
	const char *signature;
	const char *verifier;
	struct {
		u32 features;
		const char *signature;
		const char *verifier;
	} show;
	int fault;
	int clean;
	int dirty;
};

#define MET(f, s, v)	.met = true, .features = f, .signature = s, \
			.verifier = v
#define SHOW(f, s, v)	.show = { f, s, v }
#define SAME		.clean = ENBD_VERIFIER_SAME, .dirty = ENBD_VERIFIER_SAME
#define NEW		.clean = ENBD_VERIFIER_ADOPT, .dirty = ENBD_VERIFIER_ADOPT
#define CHANGED		.clean = ENBD_VERIFIER_ADOPT, .dirty = ENBD_VERIFIER_STALE
#define FAULT(f)	.fault = ENBD_IDENTITY_##f

static const struct identity_case identity_cases[] = {
	{ "first, without the extension", SHOW(0, NULL, NULL), SAME },
	{ "first, implants", SHOW(ALL, SIG_A, VER_1), NEW },
	{ "first, without VERIFIER", SHOW(F, SIG_A, VER_1), SAME },
	{ "first, no signature", SHOW(F, NULL, VER_1), FAULT(INCOMPLETE) },
	{ "first, no verifier", SHOW(F, SIG_A, NULL), FAULT(INCOMPLETE) },
	{ "first, a feature from the future", SHOW(ALL | 16, SIG_A, VER_1),
	  FAULT(FEATURES) },

	{ "pinned, the right one", .pin = SIG_A, SHOW(FV, SIG_A, VER_1), NEW },
	{ "pinned, the right one, no features", .pin = SIG_A,
	  SHOW(0, SIG_A, VER_1), SAME },
	{ "pinned, another", .pin = SIG_A, SHOW(FV, SIG_B, VER_1),
	  FAULT(SIGNATURE) },
	{ "pinned, none shown", .pin = SIG_A, SHOW(0, NULL, NULL),
	  FAULT(SIGNATURE) },
	{ "pinned, none shown with features", .pin = SIG_A, SHOW(FV, NULL, VER_1),
	  FAULT(SIGNATURE) },

	{ "later, the same", MET(FV, SIG_A, VER_1), SHOW(FV, SIG_A, VER_1), SAME },
	{ "later, last byte differs", MET(FV, SIG_A, VER_1),
	  SHOW(FV, SIG_B, VER_1), FAULT(SIGNATURE) },
	{ "later, first byte differs", MET(FV, SIG_A, VER_1),
	  SHOW(FV, SIG_C, VER_1), FAULT(SIGNATURE) },
	{ "later, middle byte differs", MET(FV, SIG_A, VER_1),
	  SHOW(FV, SIG_D, VER_1), FAULT(SIGNATURE) },
	{ "later, none shown", MET(FV, SIG_A, VER_1), SHOW(0, NULL, NULL),
	  FAULT(SIGNATURE) },
	{ "later, fewer features", MET(FV, SIG_A, VER_1),
	  SHOW(F, SIG_A, VER_1), FAULT(FEATURES) },
	{ "later, more features", MET(F, SIG_A, VER_1),
	  SHOW(FV, SIG_A, VER_1), FAULT(FEATURES) },
	{ "later, another server is said first", MET(F, SIG_A, VER_1),
	  SHOW(FV, SIG_B, VER_1), FAULT(SIGNATURE) },
	{ "later, the extension appears", MET(0, NULL, NULL),
	  SHOW(FV, SIG_A, VER_1), FAULT(FEATURES) },
	{ "later, still no extension", MET(0, NULL, NULL), SHOW(0, NULL, NULL),
	  SAME },
	{ "later, no verifier", MET(FV, SIG_A, VER_1), SHOW(FV, SIG_A, NULL),
	  FAULT(INCOMPLETE) },

	{ "another verifier", MET(FV, SIG_A, VER_1), SHOW(FV, SIG_A, VER_2),
	  CHANGED },
	{ "another verifier that means nothing", MET(F, SIG_A, VER_1),
	  SHOW(F, SIG_A, VER_2), SAME },
};

static inline void identity_show(struct enbd_shown *shown, u32 features,
				 const char *signature, const char *verifier)
{
	shown->features = features;
	shown->signature = (const u8 *)signature;
	shown->verifier = (const u8 *)verifier;
}

/* Returns what is wrong, or NULL. */
static const char *identity_run(const struct identity_case *c)
{
	struct enbd_identity id = {};
	struct enbd_shown shown;
	int fault, err;

	if (c->pin)
		enbd_identity_pin(&id, (const u8 *)c->pin);
	if (c->met) {
		identity_show(&shown, c->features, c->signature, c->verifier);
		if (enbd_identity_check(&id, &shown))
			return "the first is refused";
		enbd_identity_adopt(&id, &shown);
	}
	identity_show(&shown, c->show.features, c->show.signature,
		      c->show.verifier);
	fault = enbd_identity_check(&id, &shown);
	if (fault != c->fault)
		return "another verdict on who it is";
	err = enbd_identity_errno(fault);
	if (!err != !fault || !enbd_identity_text(fault) != !fault)
		return "a fault without error or text";
	if (fault && err != (fault == ENBD_IDENTITY_SIGNATURE ? -EKEYREJECTED :
							       -EINVAL))
		return "another error";
	if (fault)
		return NULL;
	if ((int)enbd_identity_judge(&id, &shown, false) != c->clean)
		return "another verdict with an empty journal";
	if ((int)enbd_identity_judge(&id, &shown, true) != c->dirty)
		return "another verdict with a journal";
	enbd_identity_adopt(&id, &shown);
	if (enbd_identity_check(&id, &shown) ||
	    enbd_identity_judge(&id, &shown, true) != ENBD_VERIFIER_SAME)
		return "it is not known afterwards";
	return NULL;
}

#endif /* ENBD_IDENTITY_CASES_H */
