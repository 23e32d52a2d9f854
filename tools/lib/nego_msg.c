// SPDX-License-Identifier: GPL-2.0
#include "nego_msg.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "text.h"

const char *enbd_option_name(uint32_t option)
{
	switch (option) {
	case ENBD_OPT_EXPORT_NAME:
		return "EXPORT_NAME";
	case ENBD_OPT_LIST:
		return "LIST";
	case ENBD_OPT_INFO:
		return "INFO";
	case ENBD_OPT_GO:
		return "GO";
	case ENBD_OPT_STRUCTURED_REPLY:
		return "STRUCTURED_REPLY";
	case ENBD_OPT_EXTENDED_HEADERS:
		return "EXTENDED_HEADERS";
	case ENBD_OPT_LIST_META_CONTEXT:
		return "LIST_META_CONTEXT";
	case ENBD_OPT_HELLO:
		return "HELLO";
	case ENBD_OPT_BIND:
		return "BIND";
	case ENBD_OPT_FENCE:
		return "FENCE";
	default:
		return "greeting";
	}
}

static const char *refusal_name(uint32_t type)
{
	switch (type) {
	case ENBD_REP_ERR_UNSUP:
		return "not supported";
	case ENBD_REP_ERR_POLICY:
		return "forbidden by the server's policy";
	case ENBD_REP_ERR_INVALID:
		return "called invalid";
	case ENBD_REP_ERR_PLATFORM:
		return "not possible on the server's platform";
	case ENBD_REP_ERR_UNKNOWN:
		return "unknown export";
	case ENBD_REP_ERR_SHUTDOWN:
		return "the server is shutting down";
	case ENBD_REP_ERR_BLOCK_SIZE_REQD:
		return "block sizes must be negotiated";
	case ENBD_REP_ERR_TOO_BIG:
		return "too big";
	case ENBD_REP_ERR_EXT_HEADER_REQD:
		return "extended headers are required";
	default:
		return "refused";
	}
}

int enbd_nego_broken(struct enbd_nego *n, struct enbd_err *err,
		     const char *what)
{
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "%s: %s: the server breaks the protocol: %s",
			 n->server, enbd_option_name(n->option), what);
}

static int stream_failed(struct enbd_nego *n, struct enbd_err *err, int rc)
{
	const char *what = enbd_option_name(n->option);
	const char *remedy = "";

	switch (rc) {
	case -ENODATA:
	case -ECONNRESET:
	case -EPIPE:
		if (n->option == ENBD_OPT_EXPORT_NAME)
			remedy = "; so do servers that do not know the export";
		else if (!n->option)
			remedy = "; it may not be an NBD server, or not let this host in";
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: %s: the server closed the connection%s",
				 n->server, what, remedy);
	case -ETIMEDOUT:
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: %s: no answer within %g s%s", n->server,
				 what, n->timeout_ms / 1000.0, n->option ? "" :
				 "; is that an NBD server?");
	default:
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION, "%s: %s: %s",
				 n->server, what, strerror(-rc));
	}
}

int enbd_nego_take(struct enbd_nego *n, void *buf, size_t len,
		   struct enbd_err *err)
{
	const int rc = n->io->read(n->io, buf, len);

	return rc ? stream_failed(n, err, rc) : 0;
}

int enbd_nego_give(struct enbd_nego *n, const void *buf, size_t len,
		   struct enbd_err *err)
{
	const int rc = n->io->write(n->io, buf, len);

	return rc ? stream_failed(n, err, rc) : 0;
}

uint16_t enbd_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t enbd_get32(const uint8_t *p)
{
	return (uint32_t)enbd_get16(p) << 16 | enbd_get16(p + 2);
}

uint64_t enbd_get64(const uint8_t *p)
{
	return (uint64_t)enbd_get32(p) << 32 | enbd_get32(p + 4);
}

int enbd_nego_send(struct enbd_nego *n, uint32_t option, const void *data,
		   size_t len, struct enbd_err *err)
{
	uint8_t msg[sizeof(struct enbd_opt_request) + ENBD_MAX_STRING +
		    ENBD_NEGO_ROOM];
	struct enbd_opt_request head = {
		.magic = htobe64(ENBD_IHAVEOPT),
		.option = htobe32(option),
		.length = htobe32((uint32_t)len),
	};

	n->option = option;
	if (n->options++ >= ENBD_NEGO_OPTIONS_MAX)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: %s: more options than servers put up with",
				 n->server, enbd_option_name(option));
	memcpy(msg, &head, sizeof(head));
	if (len)
		memcpy(msg + sizeof(head), data, len);
	return enbd_nego_give(n, msg, sizeof(head) + len, err);
}

int enbd_nego_reply(struct enbd_nego *n, struct enbd_err *err)
{
	struct enbd_opt_reply head;

	if (enbd_nego_take(n, &head, sizeof(head), err))
		return -1;
	if (be64toh(head.magic) != ENBD_OPT_REPLY_MAGIC)
		return enbd_nego_broken(n, err, "wrong magic number in an option reply");
	if (be32toh(head.option) != n->option)
		return enbd_nego_broken(n, err, "the reply is to another option");
	n->type = be32toh(head.type);
	n->len = be32toh(head.length);
	if (n->len > ENBD_NEGO_REPLY_MAX)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: %s: the server breaks the protocol: an option reply of %u bytes",
				 n->server, enbd_option_name(n->option), n->len);
	if (n->len && enbd_nego_take(n, n->payload, n->len, err))
		return -1;
	n->payload[n->len] = '\0';
	return 0;
}

bool enbd_nego_refused(const struct enbd_nego *n)
{
	return n->type & ENBD_REP_ERR_BIT;
}

int enbd_nego_refusal(struct enbd_nego *n, const char *name,
		      const char *remedy, struct enbd_err *err)
{
	char said[256];
	bool text;

	if (n->type == ENBD_REP_ERR_TLS_REQD)
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "%s: the server wants TLS, which is not available in this version; let it serve this host without",
				 n->server);
	enbd_text_clean(said, sizeof(said), n->payload, n->len);
	text = said[0];
	if (n->type == ENBD_REP_ERR_UNKNOWN)
		remedy = "; see enbdctl list-exports";
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "%s: %s%s%s%s: %s%s%s%s%s", n->server,
			 enbd_option_name(n->option), name ? " \"" : "",
			 name ? name : "", name ? "\"" : "",
			 refusal_name(n->type), text ? " (" : "", said,
			 text ? ")" : "", remedy);
}

