// SPDX-License-Identifier: GPL-2.0
/* The extension's options. Documentation/protocol.rst, "The extension" */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/enbd_wire.h>

#include "hs_parts.h"

static void invalid(struct handshake *hs, uint32_t option, const char *text)
{
	hs_put_error(hs, option, ENBD_REP_ERR_INVALID, text);
}

/* Take the magic number that all messages begin with. */
static bool take_magic(struct cursor *c)
{
	uint32_t magic;

	return hs_take32(c, &magic) && magic == ENBD_EXT_MAGIC;
}

bool hs_has_extension(const struct handshake *hs, const struct target *target)
{
	return hs->extension && target->sessions;
}

static void grant(struct handshake *hs, struct target *target,
		  uint32_t features)
{
	const struct hs_extension *extension = hs->extension;
	struct enbd_ext_hello_reply reply;
	struct hs_hello hello;

	if (extension->hello(extension->ctx, target, &hello)) {
		hs_put_error(hs, ENBD_OPT_HELLO, ENBD_REP_ERR_PLATFORM,
			     "not possible now");
		return;
	}
	hs->hello = target;
	hs->features = features & hello.features;
	memcpy(hs->challenge, hello.challenge, sizeof(hs->challenge));
	memset(&reply, 0, sizeof(reply));
	reply.magic = htobe32(ENBD_EXT_MAGIC);
	reply.version = htobe16(ENBD_EXT_VERSION);
	reply.features = htobe32(hs->features);
	memcpy(reply.signature, hello.signature, sizeof(reply.signature));
	if (hs->features & ENBD_FEATURE_VERIFIER)
		memcpy(reply.verifier, hello.verifier, sizeof(reply.verifier));
	memcpy(reply.challenge, hello.challenge, sizeof(reply.challenge));
	hs_put_reply(hs, ENBD_OPT_HELLO, ENBD_REP_HELLO, sizeof(reply));
	hs_put(hs, &reply, sizeof(reply));
	hs_put_reply(hs, ENBD_OPT_HELLO, ENBD_REP_ACK, 0);
}

static void option_hello(struct handshake *hs, struct cursor c)
{
	uint16_t version, reserved;
	uint32_t features, len;
	struct target *target;
	const char *name;

	if (!take_magic(&c) || !hs_take16(&c, &version) ||
	    !hs_take16(&c, &reserved) || !hs_take32(&c, &features) ||
	    !hs_take_string(&c, &name, &len) || c.len || reserved) {
		invalid(hs, ENBD_OPT_HELLO, "malformed HELLO");
		return;
	}
	if (!version) {
		invalid(hs, ENBD_OPT_HELLO, "there is no version 0");
		return;
	}
	if (hs->hello) {
		invalid(hs, ENBD_OPT_HELLO, "HELLO was said before");
		return;
	}
	target = hs_find(hs, name, len);
	if (!target || !hs_has_extension(hs, target)) {
		hs_put_error(hs, ENBD_OPT_HELLO, ENBD_REP_ERR_UNKNOWN,
			     "no such export");
		return;
	}
	grant(hs, target, features);
}

static void option_bind(struct handshake *hs, struct cursor c)
{
	const struct hs_extension *extension = hs->extension;
	uint8_t session[ENBD_EXT_SESSION_LEN];
	uint8_t challenge[ENBD_EXT_CHALLENGE_LEN];
	uint32_t channel, incarnation;
	int err;

	if (!take_magic(&c) || !hs_take(&c, session, sizeof(session)) ||
	    !hs_take(&c, challenge, sizeof(challenge)) ||
	    !hs_take32(&c, &channel) || !hs_take32(&c, &incarnation) || c.len) {
		invalid(hs, ENBD_OPT_BIND, "malformed BIND");
		return;
	}
	if (!(hs->features & ENBD_FEATURE_FENCE)) {
		invalid(hs, ENBD_OPT_BIND, "needs a HELLO with FENCE before");
		return;
	}
	if (memcmp(challenge, hs->challenge, sizeof(challenge))) {
		invalid(hs, ENBD_OPT_BIND,
			"not the challenge of this connection");
		return;
	}
	err = extension->bind(extension->ctx, session, channel, incarnation);
	switch (err) {
	case 0:
		hs->bound = true;
		hs_put_reply(hs, ENBD_OPT_BIND, ENBD_REP_ACK, 0);
		break;
	case -EPERM:
		hs_put_error(hs, ENBD_OPT_BIND, ENBD_REP_ERR_POLICY,
			     "this incarnation of the channel is over");
		break;
	case -EINVAL:
		invalid(hs, ENBD_OPT_BIND,
			"already bound, or no such channel or incarnation");
		break;
	default:
		hs_put_error(hs, ENBD_OPT_BIND, ENBD_REP_ERR_PLATFORM,
			     "no memory");
		break;
	}
}

static void fence(struct handshake *hs, const struct fence_item *items,
		  unsigned int count)
{
	const struct hs_extension *extension = hs->extension;

	switch (extension->fence(extension->ctx, items, count)) {
	case 0:
		hs_put_reply(hs, ENBD_OPT_FENCE, ENBD_REP_ACK, 0);
		break;
	case -EINVAL:
		invalid(hs, ENBD_OPT_FENCE,
			"this connection itself, or no such channel or incarnation");
		break;
	case -ECANCELED:
		hs_put_error(hs, ENBD_OPT_FENCE, ENBD_REP_ERR_SHUTDOWN,
			     "the connection is ending");
		break;
	default:
		hs_put_error(hs, ENBD_OPT_FENCE, ENBD_REP_ERR_PLATFORM,
			     "not possible now");
		break;
	}
}

static void option_fence(struct handshake *hs, struct cursor c)
{
	struct fence_item items[ENBD_EXT_MAX_CHANNELS];
	uint32_t count, i;

	if (!take_magic(&c) || !hs_take32(&c, &count) || !count ||
	    count > ENBD_EXT_MAX_CHANNELS ||
	    c.len != count * sizeof(struct enbd_ext_fenced)) {
		invalid(hs, ENBD_OPT_FENCE, "malformed FENCE");
		return;
	}
	for (i = 0; i < count; i++) {
		hs_take32(&c, &items[i].channel);
		hs_take32(&c, &items[i].incarnation);
	}
	if (!hs->bound) {
		hs_put_error(hs, ENBD_OPT_FENCE, ENBD_REP_ERR_POLICY,
			     "needs a BIND before");
		return;
	}
	fence(hs, items, count);
}

bool hs_extension(struct handshake *hs, uint32_t option, struct cursor c)
{
	if (!hs->extension || hs->mode == NBD_SIMPLE)
		return false;
	switch (option) {
	case ENBD_OPT_HELLO:
		option_hello(hs, c);
		return true;
	case ENBD_OPT_BIND:
		option_bind(hs, c);
		return true;
	case ENBD_OPT_FENCE:
		option_fence(hs, c);
		return true;
	default:
		return false;
	}
}
