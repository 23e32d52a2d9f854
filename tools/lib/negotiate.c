// SPDX-License-Identifier: GPL-2.0
#include "negotiate.h"

#include <endian.h>
#include <string.h>

#include "nego_msg.h"
#include "text.h"

int enbd_nego_greet(struct enbd_nego *n, struct enbd_transport *io,
		    const char *server, unsigned int timeout_ms,
		    struct enbd_err *err)
{
	uint8_t hello[8], rest[10];
	uint32_t answer = 0;
	uint16_t flags;
	char shown[32];

	memset(n, 0, offsetof(struct enbd_nego, payload));
	n->io = io;
	n->server = server;
	n->timeout_ms = timeout_ms;

	if (enbd_nego_take(n, hello, sizeof(hello), err))
		return -1;
	if (enbd_get64(hello) != ENBD_NBDMAGIC) {
		enbd_text_clean(shown, sizeof(shown), hello, sizeof(hello));
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: not an NBD server: it greets with \"%s\"; is the port right?",
				 server, shown);
	}
	if (enbd_nego_take(n, rest, 8, err))
		return -1;
	if (enbd_get64(rest) == ENBD_OLDSTYLE_MAGIC)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: the server speaks only the oldstyle handshake, which was given up in 2011; it needs a newer server",
				 server);
	if (enbd_get64(rest) != ENBD_IHAVEOPT)
		return enbd_nego_broken(n, err, "wrong magic number");
	if (enbd_nego_take(n, rest + 8, 2, err))
		return -1;
	flags = enbd_get16(rest + 8);
	n->fixed = flags & ENBD_HS_FIXED_NEWSTYLE;
	n->no_zeroes = flags & ENBD_HS_NO_ZEROES;
	if (n->fixed)
		answer |= ENBD_HS_C_FIXED_NEWSTYLE;
	if (n->no_zeroes)
		answer |= ENBD_HS_C_NO_ZEROES;
	answer = htobe32(answer);
	return enbd_nego_give(n, &answer, sizeof(answer), err);
}

/*
 * An option without payload that a server need not know. Return: 1 if it was
 * acknowledged, 0 if it was refused, -1.
 */
static int try_option(struct enbd_nego *n, uint32_t option,
		      struct enbd_err *err)
{
	if (enbd_nego_send(n, option, NULL, 0, err) || enbd_nego_reply(n, err))
		return -1;
	if (n->type == ENBD_REP_ACK)
		return 1;
	if (!enbd_nego_refused(n))
		return enbd_nego_broken(n, err, "unexpected type of reply");
	if (n->type == ENBD_REP_ERR_TLS_REQD ||
	    n->type == ENBD_REP_ERR_SHUTDOWN)
		return enbd_nego_refusal(n, NULL, "", err);
	return 0;
}

int enbd_nego_formats(struct enbd_nego *n, enum enbd_reply_format limit,
		      struct enbd_err *err)
{
	static const struct {
		enum enbd_reply_format format;
		uint32_t option;
	} formats[] = {
		{ ENBD_REPLY_FORMAT_EXTENDED, ENBD_OPT_EXTENDED_HEADERS },
		{ ENBD_REPLY_FORMAT_STRUCTURED, ENBD_OPT_STRUCTURED_REPLY },
	};
	size_t i;
	int rc;

	n->format = ENBD_REPLY_FORMAT_SIMPLE;
	if (!n->fixed)
		return 0;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].format > limit)
			continue;
		rc = try_option(n, formats[i].option, err);
		if (rc < 0)
			return -1;
		if (rc) {
			n->format = formats[i].format;
			return 0;
		}
	}
	return 0;
}

static void set_defaults(struct enbd_export *export)
{
	memset(export, 0, sizeof(*export));
	export->block_min = ENBD_BLOCK_MIN_DEFAULT;
	export->block_pref = ENBD_BLOCK_PREF_DEFAULT;
	export->block_max = ENBD_BLOCK_MAX_DEFAULT;
}

static bool power_of_2(uint32_t x)
{
	return x && !(x & (x - 1));
}

/* "Block size constraints" */
static bool block_sizes_valid(const struct enbd_export *e)
{
	return power_of_2(e->block_min) && e->block_min <= 65536 &&
	       power_of_2(e->block_pref) && e->block_pref >= 512 &&
	       e->block_pref >= e->block_min &&
	       e->block_max >= e->block_min &&
	       (e->block_max == UINT32_MAX || !(e->block_max % e->block_min));
}

/* One ENBD_REP_INFO; what is not known is passed over. */
static int take_info(struct enbd_nego *n, struct enbd_export *export,
		     bool *seen, struct enbd_err *err)
{
	const uint8_t *p = n->payload + 2;
	char *text;

	if (n->len < 2)
		return enbd_nego_broken(n, err, "information of less than two bytes");
	switch (enbd_get16(n->payload)) {
	case ENBD_INFO_EXPORT:
		if (n->len != 12)
			return enbd_nego_broken(n, err, "wrong length of INFO_EXPORT");
		export->size = enbd_get64(p);
		export->flags = enbd_get16(p + 8);
		*seen = true;
		return 0;
	case ENBD_INFO_BLOCK_SIZE:
		if (n->len != 14)
			return enbd_nego_broken(n, err,
					"wrong length of INFO_BLOCK_SIZE");
		export->block_min = enbd_get32(p);
		export->block_pref = enbd_get32(p + 4);
		export->block_max = enbd_get32(p + 8);
		export->block_sizes = true;
		if (!block_sizes_valid(export))
			return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
					 "%s: %s: the server breaks the protocol: block sizes %u, %u, %u",
					 n->server, enbd_option_name(n->option),
					 export->block_min, export->block_pref,
					 export->block_max);
		return 0;
	case ENBD_INFO_NAME:
	case ENBD_INFO_DESCRIPTION:
		if (n->len - 2 > ENBD_MAX_STRING)
			return enbd_nego_broken(n, err, "text longer than 4096 bytes");
		text = enbd_get16(n->payload) == ENBD_INFO_NAME ?
		       n->name : n->description;
		memcpy(text, p, n->len - 2);
		text[n->len - 2] = '\0';
		return 0;
	default:
		return 0;
	}
}

/* EXPORT_NAME: no errors but a closed connection, and no option after it */
static int export_name(struct enbd_nego *n, const char *name,
		       struct enbd_export *export, struct enbd_err *err)
{
	uint8_t answer[10 + 124];

	set_defaults(export);
	if (enbd_nego_send(n, ENBD_OPT_EXPORT_NAME, name, strlen(name), err) ||
	    enbd_nego_take(n, answer, n->no_zeroes ? 10 : sizeof(answer), err))
		return -1;
	export->size = enbd_get64(answer);
	export->flags = enbd_get16(answer + 8);
	n->transmission = true;
	return 0;
}

/*
 * GO or INFO, which differ in what follows. Return: 0, -1, or 1 if the
 * server does not know the option.
 */
static int ask(struct enbd_nego *n, uint32_t option, const char *name,
	       struct enbd_export *export, struct enbd_err *err)
{
	static const uint16_t wanted[] = {
		ENBD_INFO_BLOCK_SIZE, ENBD_INFO_NAME, ENBD_INFO_DESCRIPTION,
	};
	/* To carry data only the first one is of use. */
	const uint16_t count = option == ENBD_OPT_GO ? 1 : 3;
	const uint32_t len = (uint32_t)strlen(name);
	uint8_t data[4 + ENBD_MAX_STRING + 2 + sizeof(wanted)];
	unsigned int infos = 0;
	uint32_t be32 = htobe32(len);
	uint16_t be16 = htobe16(count), i;
	bool seen = false;

	set_defaults(export);
	memcpy(data, &be32, 4);
	memcpy(data + 4, name, len);
	memcpy(data + 4 + len, &be16, 2);
	for (i = 0; i < count; i++) {
		be16 = htobe16(wanted[i]);
		memcpy(data + 6 + len + 2 * i, &be16, 2);
	}
	if (enbd_nego_send(n, option, data, 6 + len + 2 * count, err))
		return -1;
	for (;;) {
		if (enbd_nego_reply(n, err))
			return -1;
		if (n->type != ENBD_REP_INFO)
			break;
		if (infos++ >= ENBD_NEGO_INFOS_MAX)
			return enbd_nego_broken(n, err, "endless information");
		if (take_info(n, export, &seen, err))
			return -1;
	}
	if (n->type == ENBD_REP_ERR_UNSUP)
		return 1;
	if (enbd_nego_refused(n))
		return enbd_nego_refusal(n, name, "", err);
	if (n->type != ENBD_REP_ACK)
		return enbd_nego_broken(n, err, "unexpected type of reply");
	if (!seen)
		return enbd_nego_broken(n, err, "the size of the export is missing");
	return 0;
}

int enbd_nego_check_name(struct enbd_nego *n, const char *name,
			 struct enbd_err *err)
{
	if (strlen(name) <= ENBD_MAX_STRING)
		return 0;
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "%s: the name of the export is longer than %u bytes",
			 n->server, ENBD_MAX_STRING);
}

int enbd_nego_go(struct enbd_nego *n, const char *name,
		 struct enbd_export *export, struct enbd_err *err)
{
	int rc;

	if (enbd_nego_check_name(n, name, err))
		return -1;
	if (n->fixed) {
		rc = ask(n, ENBD_OPT_GO, name, export, err);
		if (!rc)
			n->transmission = true;
		if (rc <= 0)
			return rc;
	}
	return export_name(n, name, export, err);
}

int enbd_nego_info(struct enbd_nego *n, const char *name,
		   struct enbd_export *export, struct enbd_err *err)
{
	int rc;

	if (enbd_nego_check_name(n, name, err))
		return -1;
	n->name[0] = '\0';
	n->description[0] = '\0';
	if (n->fixed) {
		rc = ask(n, ENBD_OPT_INFO, name, export, err);
		/* nbd-server tells the size only to those who stay. */
		if (rc < 0 || (!rc && export->size))
			return rc;
	}
	return enbd_nego_go(n, name, export, err);
}

int enbd_nego_list(struct enbd_nego *n,
		   int (*each)(void *arg, const char *name,
			       const char *description, struct enbd_err *err),
		   void *arg, struct enbd_err *err)
{
	char name[ENBD_MAX_STRING + 1];
	unsigned int count = 0;
	uint32_t len;

	n->option = ENBD_OPT_LIST;
	if (!n->fixed)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: the server is too old to list its exports",
				 n->server);
	if (enbd_nego_send(n, ENBD_OPT_LIST, NULL, 0, err))
		return -1;
	for (;;) {
		if (enbd_nego_reply(n, err))
			return -1;
		if (n->type != ENBD_REP_SERVER)
			break;
		if (n->len < 4)
			return enbd_nego_broken(n, err, "an export without a name");
		len = enbd_get32(n->payload);
		if (len > n->len - 4 || len > ENBD_MAX_STRING)
			return enbd_nego_broken(n, err,
					"a name longer than its reply");
		if (count++ >= ENBD_NEGO_EXPORTS_MAX)
			return enbd_nego_broken(n, err, "endless exports");
		memcpy(name, n->payload + 4, len);
		name[len] = '\0';
		if (each(arg, name, (char *)n->payload + 4 + len, err))
			return -1;
	}
	if (enbd_nego_refused(n))
		return enbd_nego_refusal(n, NULL, "; the server does not tell", err);
	if (n->type != ENBD_REP_ACK)
		return enbd_nego_broken(n, err, "unexpected type of reply");
	return 0;
}

void enbd_nego_end(struct enbd_nego *n)
{
	struct enbd_err err;

	if (n->transmission && n->format == ENBD_REPLY_FORMAT_EXTENDED) {
		struct enbd_ext_request disc = {
			.magic = htobe32(ENBD_EXT_REQUEST_MAGIC),
			.type = htobe16(ENBD_CMD_DISC),
		};

		n->io->write(n->io, &disc, sizeof(disc));
	} else if (n->transmission) {
		struct enbd_request disc = {
			.magic = htobe32(ENBD_REQUEST_MAGIC),
			.type = htobe16(ENBD_CMD_DISC),
		};

		n->io->write(n->io, &disc, sizeof(disc));
	} else if (n->fixed) {
		/* One more is always allowed, it is the last. */
		n->options = 0;
		enbd_nego_send(n, ENBD_OPT_ABORT, NULL, 0, &err);
	}
}

int enbd_export_check(const struct enbd_export *export, const char *server,
		      const char *name, struct enbd_err *err)
{
	if (!export->size)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: export \"%s\" is empty: a disk needs a size; let the server serve something",
				 server, name);
	if (export->size > INT64_MAX)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: export \"%s\" is too large: its size is %llu bytes, a disk has less than 2^63",
				 server, name,
				 (unsigned long long)export->size);
	return 0;
}
