// SPDX-License-Identifier: GPL-2.0
#include "dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"
#include "signature.h"

void dial_init(struct dial *dial)
{
	memset(dial, 0, sizeof(*dial));
	enbd_client_opts_init(&dial->client);
}

/* HOST or HOST:PORT: what is missing is as in the first path, where it has it. */
static int path_from_host(const struct enbd_uri *first, const char *text,
			  struct enbd_uri *uri, struct enbd_err *err)
{
	/* A colon that is not within brackets begins a port. */
	const char *end = strrchr(text, ']');
	int rc;

	if (strchr(end ? end : text, ':'))
		rc = enbd_uri_parse(text, uri, err);
	else
		rc = enbd_uri_from_host(text, first &&
					first->kind == ENBD_URI_TCP ?
					first->port : NULL, uri, err);
	if (rc || !first || uri->export[0])
		return rc;
	return enbd_uri_set_export(uri, first->export, err);
}

static int add_path(struct dial *dial, const struct enbd_uri *first,
		    const char *text, struct enbd_err *err)
{
	struct enbd_uri *uri;

	if (dial->path_count == DIAL_PATHS_MAX)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: more than %u addresses of one export",
				 text, DIAL_PATHS_MAX);
	uri = &dial->paths[dial->path_count];
	if (strstr(text, "://") ? enbd_uri_parse(text, uri, err) :
	    path_from_host(first, text, uri, err))
		return -1;
	/* A server that cannot show who it is would be believed. */
	if (first && strcmp(uri->export, first->export))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: another export than that of %s; all channels of a device are of one",
				 text, first->text);
	dial->path_count++;
	return 0;
}

int dial_add_path(struct dial *dial, const char *text, struct enbd_err *err)
{
	return add_path(dial, dial->path_count ? dial->paths : NULL, text, err);
}

int dial_add_path_of(struct dial *dial, const struct enbd_uri *of,
		     const char *text, struct enbd_err *err)
{
	return add_path(dial, of, text, err);
}

int dial_add_bind(struct dial *dial, const char *text, struct enbd_err *err)
{
	if (dial->bind_count == ENBD_MAX_CHANNELS)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "--bind %s: more than %u times --bind", text,
				 ENBD_MAX_CHANNELS);
	return enbd_bind_parse(text, &dial->binds[dial->bind_count++], err);
}

int dial_check(const struct dial *dial, struct enbd_err *err)
{
	unsigned int i;

	for (i = 0; dial->bind_count && i < dial->path_count; i++)
		if (dial->paths[i].kind == ENBD_URI_UNIX)
			return enbd_fail(err, ENBD_EXIT_USAGE,
					 "--bind %s: has no meaning for a Unix socket; leave it out",
					 dial->binds[0].text);
	return 0;
}

const struct enbd_uri *dial_path(const struct dial *dial, unsigned int turn)
{
	return &dial->paths[turn % dial->path_count];
}

const struct enbd_bind *dial_bind(const struct dial *dial, unsigned int turn)
{
	return dial->bind_count ? &dial->binds[turn % dial->bind_count] : NULL;
}

int dial_check_signature(const struct enbd_channel *channel,
			 const char *server, const uint8_t *signature,
			 struct enbd_err *err)
{
	const struct enbd_hello *hello = &channel->hello;
	char shown[ENBD_SIGNATURE_SHORT], expected[ENBD_SIGNATURE_SHORT];

	if (!signature)
		return 0;
	enbd_hex(expected, sizeof(expected), signature,
		 ENBD_EXT_SIGNATURE_LEN);
	if (!hello->features)
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "%s: shows no signature, %s... is expected; is it an enbd-server that can?",
				 server, expected);
	if (!memcmp(hello->signature, signature, ENBD_EXT_SIGNATURE_LEN))
		return 0;
	return enbd_fail(err, ENBD_EXIT_IDENTITY,
			 "%s: shows the signature %s..., %s... is expected; is it the right server, with the right secret?",
			 server, enbd_hex(shown, sizeof(shown),
					  hello->signature,
					  sizeof(hello->signature)),
			 expected);
}

static int open_one(struct dial *dial, unsigned int turn,
		    const struct enbd_place *place,
		    struct enbd_channel *channel, struct enbd_err *err)
{
	const struct enbd_uri *uri = dial_path(dial, turn);
	char server[NI_MAXHOST + 16];

	dial->client.bind = dial_bind(dial, turn);
	dial->client.place = place;
	if (enbd_channel_open(channel, uri, &dial->client, err))
		return -1;
	if (!dial_check_signature(channel, enbd_uri_server(uri, server,
							   sizeof(server)),
				  dial->signature, err) &&
	    !enbd_export_check(&channel->export, server, uri->export, err))
		return 0;
	enbd_channels_discard(channel, 1);
	return -1;
}

/* Another channel must be to the same export of the same server. */
static int compare(const struct dial *dial, const struct dial_result *r,
		   unsigned int turn, const struct enbd_channel *channel,
		   struct enbd_err *err)
{
	const struct enbd_export *a = &r->channels[0].export;
	const struct enbd_export *b = &channel->export;
	char server[NI_MAXHOST + 16];

	enbd_uri_server(dial_path(dial, turn), server, sizeof(server));
	if (a->size != b->size || ((a->flags ^ b->flags) & ~ENBD_FLAG_SEND_DF) ||
	    a->block_min != b->block_min || a->block_pref != b->block_pref ||
	    a->block_max != b->block_max)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: channel %u was offered another export than the first (%llu bytes, flags 0x%x against %llu bytes, flags 0x%x); is it the same server everywhere?",
				 server, r->count,
				 (unsigned long long)b->size, b->flags,
				 (unsigned long long)a->size, a->flags);
	if (channel->hello.features != r->channels[0].hello.features)
		return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
				 "%s: channel %u was granted other features than the first (0x%x against 0x%x); is it the same server everywhere?",
				 server, r->count, channel->hello.features,
				 r->channels[0].hello.features);
	if (!channel->hello.features)
		return 0;
	return dial_check_signature(channel, server,
				    r->channels[0].hello.signature, err);
}

/* How many channels this server and this machine can use */
static unsigned int sensible(const struct dial *dial,
			     const struct enbd_export *export)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int count = 1;

	if (export->flags & ENBD_FLAG_CAN_MULTI_CONN && cpus > 1)
		count = cpus < DIAL_CHANNELS_DEFAULT ? (unsigned int)cpus :
			DIAL_CHANNELS_DEFAULT;
	/* Else they stand by. */
	return count < dial->path_count ? dial->path_count : count;
}

static int new_session(uint8_t *session, struct enbd_err *err)
{
	if (getrandom(session, ENBD_EXT_SESSION_LEN, 0) == ENBD_EXT_SESSION_LEN)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "the kernel gives no random numbers: %s",
			 strerror(errno));
}

/*
 * Turn after turn. A path on which nothing answers is not tried again. The
 * server may have seen the BIND of a channel that failed later, and does not
 * take the same one again: a first channel gets another session then, with
 * a later one that is the end of the attempts.
 */
static int open_all(struct dial *dial, struct dial_result *r,
		    struct enbd_err *err)
{
	const bool lenient = !dial->channels || dial->path_count > 1;
	bool dead[DIAL_PATHS_MAX][ENBD_MAX_CHANNELS] = { { false } };
	struct enbd_place place = { .incarnation = 1 };
	unsigned int turn, missing[ENBD_MAX_CHANNELS], lost = 0;
	bool end = false;

	r->wanted = dial->channels ? dial->channels : dial->path_count;
	for (turn = 0; turn < r->wanted; turn++) {
		bool *gone = &dead[turn % dial->path_count]
				  [dial->bind_count ? turn % dial->bind_count : 0];
		struct enbd_channel *channel = &r->channels[r->count];

		if (end || *gone) {
			missing[lost++] = turn;
			continue;
		}
		if (!r->count && new_session(r->session, err))
			return -1;
		memcpy(place.session, r->session, sizeof(place.session));
		place.channel = r->count;
		if (open_one(dial, turn, &place, channel, err)) {
			if (!lenient || err->code == ENBD_EXIT_IDENTITY ||
			    (!r->count && dial->path_count == 1))
				return r->count ?
				       enbd_fail_prefix(err, "channel %u of %u",
							r->count + 1,
							r->wanted) : -1;
			enbd_note("%s; going on without this channel",
				  err->text);
			missing[lost++] = turn;
			*gone = true;
			end = r->count && err->code != ENBD_EXIT_NETWORK;
			continue;
		}
		r->turn[r->count++] = turn;
		if (compare(dial, r, turn, channel, err))
			return -1;
		if (r->count == 1 && !dial->channels)
			r->wanted = sensible(dial, &channel->export);
	}
	if (!r->count)
		return enbd_fail_prefix(err, "no path is left");
	memcpy(r->turn + r->count, missing, lost * sizeof(missing[0]));
	return 0;
}

int dial_open(struct dial *dial, struct dial_result *result,
	      struct enbd_err *err)
{
	result->count = 0;
	if (!open_all(dial, result, err))
		return 0;
	enbd_channels_discard(result->channels, result->count);
	return -1;
}
