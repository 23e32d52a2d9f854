// SPDX-License-Identifier: GPL-2.0
#include "dial.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

void dial_init(struct dial *dial)
{
	memset(dial, 0, sizeof(*dial));
	dial->client.timeout_ms = ENBD_HANDSHAKE_TIMEOUT_MS;
	dial->client.limit = ENBD_REPLY_FORMAT_EXTENDED;
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
	if (dial->bind_count && dial->uri.kind == ENBD_URI_UNIX)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "--bind %s: has no meaning for a Unix socket; leave it out",
				 dial->binds[0].text);
	return 0;
}

static int open_one(struct dial *dial, unsigned int i,
		    struct enbd_channel *channel, struct enbd_err *err)
{
	dial->client.bind = dial->bind_count ?
		&dial->binds[(dial->first + i) % dial->bind_count] : NULL;
	return enbd_channel_open(channel, &dial->uri, &dial->client, err);
}

static int compare(const struct dial *dial, unsigned int i,
		   const struct enbd_export *a, const struct enbd_export *b,
		   struct enbd_err *err)
{
	char server[NI_MAXHOST + 16];

	if (a->size == b->size && !((a->flags ^ b->flags) & ~ENBD_FLAG_SEND_DF) &&
	    a->block_min == b->block_min && a->block_pref == b->block_pref &&
	    a->block_max == b->block_max)
		return 0;
	return enbd_fail(err, ENBD_EXIT_NEGOTIATION,
			 "%s: channel %u was offered another export than the first (%llu bytes, flags 0x%x against %llu bytes, flags 0x%x); is it the same server everywhere?",
			 enbd_uri_server(&dial->uri, server, sizeof(server)),
			 i, (unsigned long long)b->size, b->flags,
			 (unsigned long long)a->size, a->flags);
}

/* How many channels this server and this machine can use */
static unsigned int sensible(const struct enbd_export *export)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!(export->flags & ENBD_FLAG_CAN_MULTI_CONN))
		return 1;
	return cpus < 1 ? 1 : cpus < DIAL_CHANNELS_DEFAULT ?
		(unsigned int)cpus : DIAL_CHANNELS_DEFAULT;
}

int dial_open(struct dial *dial, struct enbd_channel *channels,
	      struct enbd_err *err)
{
	char server[NI_MAXHOST + 16];
	unsigned int wanted, i;

	enbd_uri_server(&dial->uri, server, sizeof(server));
	if (open_one(dial, 0, &channels[0], err))
		return -1;
	i = 1;
	if (enbd_export_check(&channels[0].export, server, dial->uri.export,
			      err))
		goto fail;
	wanted = dial->channels;
	if (!wanted)
		wanted = sensible(&channels[0].export);
	for (; i < wanted; i++) {
		if (open_one(dial, i, &channels[i], err)) {
			if (!dial->channels) {
				enbd_note("%s; going on with %u of %u channels",
					  err->text, i, wanted);
				return (int)i;
			}
			enbd_fail_prefix(err, "channel %u of %u", i + 1,
					 wanted);
			goto fail;
		}
		if (compare(dial, i, &channels[0].export, &channels[i].export,
			    err)) {
			i++;
			goto fail;
		}
	}
	return (int)wanted;
fail:
	enbd_channels_discard(channels, i);
	return -1;
}
