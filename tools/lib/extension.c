// SPDX-License-Identifier: GPL-2.0
#include "extension.h"

#include <endian.h>
#include <string.h>

#include "nego_msg.h"

/* Sends a vendor option that is answered with an ACK and nothing else. */
static int settle(struct enbd_nego *n, uint32_t option, const void *data,
		  size_t len, const char *remedy, struct enbd_err *err)
{
	if (enbd_nego_send(n, option, data, len, err) ||
	    enbd_nego_reply(n, err))
		return -1;
	if (enbd_nego_refused(n))
		return enbd_nego_refusal(n, NULL, remedy, err);
	if (n->type != ENBD_REP_ACK)
		return enbd_nego_broken(n, err, "unexpected type of reply");
	if (n->len)
		return enbd_nego_broken(n, err, "an acknowledgment with a payload");
	return 0;
}

/* One context that the server lists: is it ours? */
static int take_context(struct enbd_nego *n, bool *known,
			struct enbd_err *err)
{
	static const char ours[] = ENBD_EXT_CONTEXT;

	if (n->len < 4)
		return enbd_nego_broken(n, err, "a context without an id");
	if (n->len == 4 + sizeof(ours) - 1 &&
	    !memcmp(n->payload + 4, ours, sizeof(ours) - 1))
		*known = true;
	return 0;
}

int enbd_ext_discover(struct enbd_nego *n, const char *name, bool *known,
		      struct enbd_err *err)
{
	static const char query[] = ENBD_EXT_QUERY;
	const uint32_t len = (uint32_t)strlen(name);
	const uint32_t query_len = sizeof(query) - 1;
	uint8_t data[12 + ENBD_MAX_STRING + sizeof(query)], *p = data;
	unsigned int contexts = 0;
	uint32_t be32;

	*known = false;
	if (!n->fixed || n->format == ENBD_REPLY_FORMAT_SIMPLE)
		return 0;
	if (enbd_nego_check_name(n, name, err))
		return -1;
	be32 = htobe32(len);
	p = mempcpy(p, &be32, 4);
	p = mempcpy(p, name, len);
	be32 = htobe32(1);
	p = mempcpy(p, &be32, 4);
	be32 = htobe32(query_len);
	p = mempcpy(p, &be32, 4);
	p = mempcpy(p, query, query_len);
	if (enbd_nego_send(n, ENBD_OPT_LIST_META_CONTEXT, data,
			   (size_t)(p - data), err))
		return -1;
	for (;;) {
		if (enbd_nego_reply(n, err))
			return -1;
		if (n->type != ENBD_REP_META_CONTEXT)
			break;
		if (contexts++ >= ENBD_NEGO_INFOS_MAX)
			return enbd_nego_broken(n, err, "endless contexts");
		if (take_context(n, known, err))
			return -1;
	}
	if (n->type == ENBD_REP_ACK)
		return 0;
	*known = false;
	if (!enbd_nego_refused(n))
		return enbd_nego_broken(n, err, "unexpected type of reply");
	if (n->type == ENBD_REP_ERR_TLS_REQD ||
	    n->type == ENBD_REP_ERR_SHUTDOWN)
		return enbd_nego_refusal(n, NULL, "", err);
	return 0;
}

static int take_hello(struct enbd_nego *n, uint32_t asked,
		      struct enbd_hello *hello, struct enbd_err *err)
{
	struct enbd_ext_hello_reply r;

	if (n->len != sizeof(r))
		return enbd_nego_broken(n, err, "wrong length of the answer");
	memcpy(&r, n->payload, sizeof(r));
	if (be32toh(r.magic) != ENBD_EXT_MAGIC)
		return enbd_nego_broken(n, err, "wrong magic number in the answer");
	if (be16toh(r.version) != ENBD_EXT_VERSION)
		return enbd_nego_broken(n, err, "a version that was not asked for");
	if (r.reserved)
		return enbd_nego_broken(n, err, "a reserved field is not zero");
	hello->features = be32toh(r.features);
	if (hello->features & ~asked)
		return enbd_nego_broken(n, err, "features that were not asked for");
	memcpy(hello->signature, r.signature, sizeof(r.signature));
	if (hello->features & ENBD_FEATURE_VERIFIER)
		memcpy(hello->verifier, r.verifier, sizeof(r.verifier));
	memcpy(hello->challenge, r.challenge, sizeof(r.challenge));
	return 0;
}

int enbd_ext_hello(struct enbd_nego *n, const char *name, uint32_t features,
		   struct enbd_hello *hello, struct enbd_err *err)
{
	const uint32_t len = (uint32_t)strlen(name);
	const struct enbd_ext_hello head = {
		.magic = htobe32(ENBD_EXT_MAGIC),
		.version = htobe16(ENBD_EXT_VERSION),
		.features = htobe32(features),
		.name_len = htobe32(len),
	};
	uint8_t data[sizeof(head) + ENBD_MAX_STRING];

	memset(hello, 0, sizeof(*hello));
	if (enbd_nego_check_name(n, name, err))
		return -1;
	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), name, len);
	if (enbd_nego_send(n, ENBD_OPT_HELLO, data, sizeof(head) + len, err) ||
	    enbd_nego_reply(n, err))
		return -1;
	if (enbd_nego_refused(n))
		return enbd_nego_refusal(n, name, "", err);
	if (n->type != ENBD_REP_HELLO)
		return enbd_nego_broken(n, err, "unexpected type of reply");
	if (take_hello(n, features, hello, err) || enbd_nego_reply(n, err))
		return -1;
	if (n->type != ENBD_REP_ACK || n->len)
		return enbd_nego_broken(n, err, "the acknowledgment is missing");
	return 0;
}

int enbd_ext_bind(struct enbd_nego *n, const struct enbd_hello *hello,
		  const struct enbd_place *place, struct enbd_err *err)
{
	struct enbd_ext_bind bind = {
		.magic = htobe32(ENBD_EXT_MAGIC),
		.channel = htobe32(place->channel),
		.incarnation = htobe32(place->incarnation),
	};

	memcpy(bind.session, place->session, sizeof(bind.session));
	memcpy(bind.challenge, hello->challenge, sizeof(bind.challenge));
	return settle(n, ENBD_OPT_BIND, &bind, sizeof(bind),
		      "; a later connection may have taken its place", err);
}

int enbd_ext_fence(struct enbd_nego *n, const struct enbd_fenced *list,
		   unsigned int count, struct enbd_err *err)
{
	const struct enbd_ext_fence head = {
		.magic = htobe32(ENBD_EXT_MAGIC),
		.count = htobe32(count),
	};
	struct {
		struct enbd_ext_fence head;
		struct enbd_ext_fenced list[ENBD_EXT_MAX_CHANNELS];
	} __attribute__((packed)) msg = { .head = head };
	unsigned int i;

	for (i = 0; i < count; i++) {
		msg.list[i].channel = htobe32(list[i].channel);
		msg.list[i].incarnation = htobe32(list[i].incarnation);
	}
	return settle(n, ENBD_OPT_FENCE, &msg,
		      sizeof(head) + count * sizeof(msg.list[0]), "", err);
}
