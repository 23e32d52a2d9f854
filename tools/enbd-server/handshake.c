// SPDX-License-Identifier: GPL-2.0
#include "handshake.h"

#include <endian.h>
#include <string.h>

#include <linux/enbd_wire.h>

#include "hs_parts.h"
#include "util.h"

static void option_list(struct handshake *hs)
{
	size_t i;

	for (i = 0; i < hs->count; i++) {
		const struct target_info *info = &hs->targets[i]->info;
		const char *text = info->description ? info->description : "";
		const uint32_t be = htobe32((uint32_t)strlen(info->name));

		hs_put_reply(hs, ENBD_OPT_LIST, ENBD_REP_SERVER,
			     sizeof(be) + strlen(info->name) + strlen(text));
		hs_put(hs, &be, sizeof(be));
		hs_put(hs, info->name, strlen(info->name));
		hs_put(hs, text, strlen(text));
	}
	hs_put_reply(hs, ENBD_OPT_LIST, ENBD_REP_ACK, 0);
}

static void option_export_name(struct handshake *hs, const char *name,
			       uint32_t len)
{
	static const char zeroes[124];
	struct target *target = hs_find(hs, name, len);
	struct {
		uint64_t size;
		uint16_t flags;
	} __attribute__((packed)) reply;

	/* This option has no way to say no. */
	if (!target) {
		hs_close(hs, "unknown export in NBD_OPT_EXPORT_NAME");
		return;
	}
	if (hs->hello && hs->hello != target) {
		hs_close(hs, "EXPORT_NAME of another export than HELLO");
		return;
	}
	if (!hs->out.admit(hs->out.ctx)) {
		hs_close(hs, "refused, there are too many clients");
		return;
	}
	reply.size = htobe64(target->info.size);
	reply.flags = htobe16(nbd_transmission_flags(&target->info, hs->mode));
	hs_put(hs, &reply, sizeof(reply));
	if (!hs->no_zeroes)
		hs_put(hs, zeroes, sizeof(zeroes));
	if (hs->state == HS_CLOSE)
		return;
	hs->target = target;
	hs->state = HS_TRANSMIT;
}

static void info_text(struct handshake *hs, uint32_t option, uint16_t type,
		      const char *text)
{
	const uint16_t be = htobe16(type);

	hs_put_reply(hs, option, ENBD_REP_INFO, sizeof(be) + strlen(text));
	hs_put(hs, &be, sizeof(be));
	hs_put(hs, text, strlen(text));
}

static void info_export(struct handshake *hs, uint32_t option,
			const struct target_info *info)
{
	const struct {
		uint16_t type;
		uint64_t size;
		uint16_t flags;
	} __attribute__((packed)) reply = {
		.type = htobe16(ENBD_INFO_EXPORT),
		.size = htobe64(info->size),
		.flags = htobe16(nbd_transmission_flags(info, hs->mode)),
	};

	hs_put_reply(hs, option, ENBD_REP_INFO, sizeof(reply));
	hs_put(hs, &reply, sizeof(reply));
}

static void info_block_size(struct handshake *hs, uint32_t option,
			    const struct target_info *info)
{
	const struct {
		uint16_t type;
		uint32_t min, pref, max;
	} __attribute__((packed)) reply = {
		.type = htobe16(ENBD_INFO_BLOCK_SIZE),
		.min = htobe32(info->block_min),
		.pref = htobe32(info->block_pref),
		.max = htobe32(info->block_max),
	};

	hs_put_reply(hs, option, ENBD_REP_INFO, sizeof(reply));
	hs_put(hs, &reply, sizeof(reply));
}

/* NBD_OPT_INFO and NBD_OPT_GO */
static void option_go(struct handshake *hs, uint32_t option, struct cursor c)
{
	bool want_name = false, want_description = false;
	struct target *target;
	uint16_t count, type;
	const char *name;
	uint32_t len;

	if (!hs_take_string(&c, &name, &len) || !hs_take16(&c, &count) ||
	    c.len != count * 2u) {
		hs_put_error(hs, option, ENBD_REP_ERR_INVALID,
			     "malformed option");
		return;
	}
	while (hs_take16(&c, &type)) {
		want_name |= type == ENBD_INFO_NAME;
		want_description |= type == ENBD_INFO_DESCRIPTION;
	}
	target = hs_find(hs, name, len);
	if (!target) {
		hs_put_error(hs, option, ENBD_REP_ERR_UNKNOWN,
			     "no such export");
		return;
	}
	if (hs->hello && hs->hello != target) {
		hs_put_error(hs, option, ENBD_REP_ERR_INVALID,
			     "HELLO was for another export");
		return;
	}
	if (option == ENBD_OPT_GO && !hs->out.admit(hs->out.ctx)) {
		hs_put_error(hs, option, ENBD_REP_ERR_POLICY,
			     "too many clients");
		return;
	}
	info_export(hs, option, &target->info);
	/* Clients may use it without having asked. */
	info_block_size(hs, option, &target->info);
	if (want_name)
		info_text(hs, option, ENBD_INFO_NAME, target->info.name);
	if (want_description && target->info.description)
		info_text(hs, option, ENBD_INFO_DESCRIPTION,
			  target->info.description);
	hs_put_reply(hs, option, ENBD_REP_ACK, 0);
	if (option == ENBD_OPT_GO && hs->state != HS_CLOSE) {
		hs->target = target;
		hs->state = HS_TRANSMIT;
	}
}

/* Does a query of LIST_META_CONTEXT ask for the extension? */
static bool asks_extension(const char *query, uint32_t len)
{
	const char *const all = ENBD_EXT_QUERY, *const one = ENBD_EXT_CONTEXT;

	return (len == strlen(all) && !memcmp(query, all, len)) ||
	       (len == strlen(one) && !memcmp(query, one, len));
}

static void put_context(struct handshake *hs, uint32_t option)
{
	const uint32_t id = 0;

	hs_put_reply(hs, option, ENBD_REP_META_CONTEXT,
		     sizeof(id) + strlen(ENBD_EXT_CONTEXT));
	hs_put(hs, &id, sizeof(id));
	hs_put(hs, ENBD_EXT_CONTEXT, strlen(ENBD_EXT_CONTEXT));
}

/*
 * No context can be set. Only who asks for it hears of the extension, not who
 * asks for all there is.
 */
static void option_meta_context(struct handshake *hs, uint32_t option,
				struct cursor c)
{
	uint32_t len, count, i, query_len;
	const char *name, *query;
	struct target *target;
	bool asked = false;

	if (hs->mode == NBD_SIMPLE) {
		hs_put_error(hs, option, ENBD_REP_ERR_INVALID,
			     "structured replies must be negotiated first");
		return;
	}
	if (!hs_take_string(&c, &name, &len) || !hs_take32(&c, &count))
		goto malformed;
	for (i = 0; i < count; i++) {
		if (!hs_take_string(&c, &query, &query_len))
			goto malformed;
		asked |= asks_extension(query, query_len);
	}
	if (c.len)
		goto malformed;
	target = hs_find(hs, name, len);
	if (!target) {
		hs_put_error(hs, option, ENBD_REP_ERR_UNKNOWN,
			     "no such export");
		return;
	}
	if (asked && option == ENBD_OPT_LIST_META_CONTEXT &&
	    hs_has_extension(hs, target))
		put_context(hs, option);
	hs_put_reply(hs, option, ENBD_REP_ACK, 0);
	return;
malformed:
	hs_put_error(hs, option, ENBD_REP_ERR_INVALID, "malformed option");
}

static void option_replies(struct handshake *hs, uint32_t option)
{
	if (option == ENBD_OPT_STRUCTURED_REPLY && hs->mode == NBD_EXTENDED) {
		hs_put_error(hs, option, ENBD_REP_ERR_EXT_HEADER_REQD,
			     "extended headers have been negotiated");
		return;
	}
	hs->mode = option == ENBD_OPT_EXTENDED_HEADERS ? NBD_EXTENDED :
							 NBD_STRUCTURED;
	hs_put_reply(hs, option, ENBD_REP_ACK, 0);
}

/* Options whose payload must be empty */
static bool must_be_empty(uint32_t option)
{
	return option == ENBD_OPT_LIST ||
	       option == ENBD_OPT_STRUCTURED_REPLY ||
	       option == ENBD_OPT_EXTENDED_HEADERS;
}

static void handle_option(struct handshake *hs, uint32_t option,
			  const uint8_t *data, uint32_t len)
{
	const struct cursor c = { .data = data, .len = len };

	if (len && must_be_empty(option)) {
		hs_put_error(hs, option, ENBD_REP_ERR_INVALID,
			     "the option has no payload");
		return;
	}
	switch (option) {
	case ENBD_OPT_EXPORT_NAME:
		option_export_name(hs, (const char *)data, len);
		break;
	case ENBD_OPT_ABORT:
		hs_put_reply(hs, option, ENBD_REP_ACK, 0);
		hs_close(hs, NULL);
		break;
	case ENBD_OPT_LIST:
		option_list(hs);
		break;
	case ENBD_OPT_INFO:
	case ENBD_OPT_GO:
		option_go(hs, option, c);
		break;
	case ENBD_OPT_STRUCTURED_REPLY:
	case ENBD_OPT_EXTENDED_HEADERS:
		option_replies(hs, option);
		break;
	case ENBD_OPT_LIST_META_CONTEXT:
	case ENBD_OPT_SET_META_CONTEXT:
		option_meta_context(hs, option, c);
		break;
	default:
		if (!hs_extension(hs, option, c))
			hs_put_error(hs, option, ENBD_REP_ERR_UNSUP,
				     "not supported by this server");
		break;
	}
}

/* An option too long to be looked at: refuse, and skip it if it is no attack */
static void refuse_long(struct handshake *hs, uint32_t option, uint32_t len)
{
	if (option == ENBD_OPT_EXPORT_NAME) {
		hs_close(hs, "export name is too long");
		return;
	}
	hs_put_error(hs, option, ENBD_REP_ERR_TOO_BIG,
		     "the option is too long");
	if (hs->state == HS_CLOSE)
		return;
	if (len > HS_SKIP_MAX) {
		hs_close(hs, "option is too long");
		return;
	}
	hs->skip = len;
	hs->state = HS_SKIP;
}

static size_t consume_option(struct handshake *hs, const uint8_t *data,
			     size_t len)
{
	struct enbd_opt_request req;
	uint32_t option, payload;

	if (len < sizeof(req))
		return 0;
	memcpy(&req, data, sizeof(req));
	option = be32toh(req.option);
	payload = be32toh(req.length);
	if (be64toh(req.magic) != ENBD_IHAVEOPT) {
		hs_close(hs, "wrong magic of an option");
		return sizeof(req);
	}
	if (payload <= HS_OPTION_MAX && len - sizeof(req) < payload)
		return 0;
	if (++hs->options > HS_OPTIONS_MAX) {
		hs_close(hs, "too many options");
		return sizeof(req);
	}
	if (payload > HS_OPTION_MAX) {
		refuse_long(hs, option, payload);
		return sizeof(req);
	}
	handle_option(hs, option, data + sizeof(req), payload);
	return sizeof(req) + payload;
}

static size_t consume_flags(struct handshake *hs, const uint8_t *data,
			    size_t len)
{
	const uint32_t known = ENBD_HS_C_FIXED_NEWSTYLE | ENBD_HS_C_NO_ZEROES;
	uint32_t flags;

	if (len < sizeof(flags))
		return 0;
	memcpy(&flags, data, sizeof(flags));
	flags = be32toh(flags);
	if (flags & ~known) {
		hs_close(hs, "unknown client flags");
	} else {
		hs->no_zeroes = flags & ENBD_HS_C_NO_ZEROES;
		hs->state = HS_OPTION;
	}
	return sizeof(flags);
}

size_t hs_consume(struct handshake *hs, const void *data, size_t len)
{
	size_t n;

	switch (hs->state) {
	case HS_FLAGS:
		return consume_flags(hs, data, len);
	case HS_OPTION:
		return consume_option(hs, data, len);
	case HS_SKIP:
		n = MIN(len, hs->skip);
		hs->skip -= (uint32_t)n;
		if (!hs->skip)
			hs->state = HS_OPTION;
		return n;
	default:
		return 0;
	}
}

void hs_start(struct handshake *hs, struct target *const *targets,
	      size_t count, const struct hs_output *out,
	      const struct hs_extension *extension)
{
	const struct {
		uint64_t magic, option_magic;
		uint16_t flags;
	} __attribute__((packed)) greeting = {
		.magic = htobe64(ENBD_NBDMAGIC),
		.option_magic = htobe64(ENBD_IHAVEOPT),
		.flags = htobe16(ENBD_HS_FIXED_NEWSTYLE | ENBD_HS_NO_ZEROES),
	};

	memset(hs, 0, sizeof(*hs));
	hs->targets = targets;
	hs->count = count;
	hs->out = *out;
	hs->extension = extension;
	hs->state = HS_FLAGS;
	hs_put(hs, &greeting, sizeof(greeting));
}
