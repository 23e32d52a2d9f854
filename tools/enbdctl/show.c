// SPDX-License-Identifier: GPL-2.0
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "features.h"
#include "json.h"
#include "netlink_tables.h"
#include "size.h"
#include "text.h"

static const char *clean(char *buf, size_t size, const char *text)
{
	enbd_text_clean(buf, size, text, strlen(text));
	return buf;
}

/* The original's marks: (+) in order, (*) not in use, (-) out of order */
static const char *mark(uint32_t state)
{
	switch (state) {
	case ENBD_CHANNEL_STATE_LIVE:
		return "(+)";
	case ENBD_CHANNEL_STATE_STANDBY:
	case ENBD_CHANNEL_STATE_FENCING:
		return "(*)";
	default:
		return "(-)";
	}
}

static void print_timeout(const char *what, uint32_t ms)
{
	if (ms)
		printf(", %s after %g s", what, ms / 1000.0);
	else
		printf(", %s never", what);
}

static const char *fencing(uint32_t value)
{
	switch (value) {
	case ENBD_FENCING_SERVER:
		return "fenced";
	case ENBD_FENCING_CLOSE:
		return "fenced by close";
	default:
		return "unfenced";
	}
}

static void print_safety(const char *key, const struct device *d)
{
	char words[FEATURES_TEXT_MAX], size[24];

	printf("[%s] Replay:     %s, policy %s, %u writes held\n", key,
	       fencing(d->fencing), enbd_replay_name(d->replay), d->held);
	printf("[%s] Features:   %s\n", key,
	       features_text(words, d->features));
	if (!d->region_size)
		return;
	printf("[%s] Unflushed:  %" PRIu64 " (regions of %s)\n", key,
	       d->unflushed, enbd_format_size(size, sizeof(size),
					      d->region_size));
}

static void print_sums(const char *key, const struct channel *channels,
		       size_t count)
{
	uint64_t requested = 0, dispatched = 0, errored = 0, pending = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		requested += channels[i].requested;
		dispatched += channels[i].dispatched;
		errored += channels[i].errored;
		pending += channels[i].pending;
	}
	printf("[%s] Requested:  %" PRIu64 "\n", key, requested);
	printf("[%s] Dispatched: %" PRIu64 "\n", key, dispatched);
	printf("[%s] Errored:    %" PRIu64 "\n", key, errored);
	printf("[%s] Pending:    %" PRIu64 "\n", key, pending);
}

void show_device(const struct device *d, const struct channel *channels,
		 size_t count)
{
	const char *key = strlen(d->name) > 2 ? d->name + 2 : d->name;
	char buf[ENBD_TEXT_MAX], size[24], max[24], indent[24];
	size_t i;

	printf("Device %s: /dev/%s\n", key, d->name);
	printf("[%s] State:      %s, %s, open %u times", key,
	       enbd_device_state_name(d->state), d->read_only ? "ro" : "rw",
	       d->openers);
	print_timeout("channel lost", d->io_timeout);
	print_timeout("I/O fails", d->dead_timeout);
	print_timeout("silence", d->keepalive);
	printf("\n");
	if (d->state == ENBD_DEVICE_STATE_STALE)
		printf("[%s] Stale:      the server may have forgotten writes that it had acknowledged; see enbdctl lost-regions, then enbdctl accept\n",
		       key);
	printf("[%s] Server:     %s\n", key,
	       clean(buf, sizeof(buf), d->uri));
	printf("[%s] Export:     \"%s\"\n", key,
	       clean(buf, sizeof(buf), d->export));
	printf("[%s] Queued:     %u parked (%u queues of %u)\n", key,
	       d->parked, d->hw_queues, d->queue_depth);
	print_safety(key, d);
	printf("[%s] Buffersize: %" PRIu64 " (%u sectors)\n", key,
	       d->max_sectors * UINT64_C(512), d->max_sectors);
	printf("[%s] Blocksize:  %u (preferred %u, largest %s)\n", key,
	       d->block_min, d->block_pref, d->block_max == UINT32_MAX ?
	       "unlimited" : enbd_format_size(max, sizeof(max), d->block_max));
	printf("[%s] Size:       %" PRIu64 " (%s)\n", key, d->size,
	       enbd_format_size(size, sizeof(size), d->size));
	printf("[%s] Blocks:     %" PRIu64 "\n", key, d->size / 512);
	printf("[%s] Sockets:    %zu", key, count);
	for (i = 0; i < count; i++)
		printf(" %s", mark(channels[i].state));
	printf("\n");
	print_sums(key, channels, count);
	snprintf(indent, sizeof(indent), "[%s] ", key);
	show_channels(indent, channels, count);
}

void show_channels(const char *indent, const struct channel *channels,
		   size_t count)
{
	char peer[MSG_ADDRESS_MAX], local[MSG_ADDRESS_MAX];
	char reason[MSG_REASON_MAX], in[24], out[24];
	const struct channel *c;

	printf("%sChannel State    Requested Dispatched Errored Retracted Pending       Read    Written Peer\n",
	       indent);
	for (c = channels; c < channels + count; c++) {
		/* A Unix socket's own end has no address. */
		clean(local, sizeof(local),
		      strchr(c->local, ':') ? c->local : "");
		printf("%s%7u %-7s %10" PRIu64 " %10" PRIu64 " %7" PRIu64 " %9" PRIu64 " %7u %10s %10s %s%s%s",
		       indent, c->index, enbd_channel_state_name(c->state),
		       c->requested, c->dispatched, c->errored, c->retracted,
		       c->pending, enbd_format_size(in, sizeof(in),
						    c->bytes_read),
		       enbd_format_size(out, sizeof(out), c->bytes_written),
		       clean(peer, sizeof(peer), c->peer),
		       local[0] ? " from " : "", local);
		if (c->reason[0])
			printf(" (%s)", clean(reason, sizeof(reason),
					      c->reason));
		if (c->unfenced)
			printf(" not fenced yet");
		if (c->stall)
			printf(" last stall %u us", c->stall);
		printf("\n");
	}
}

cJSON *show_channels_json(const struct channel *channels, size_t count)
{
	cJSON *array = cJSON_CreateArray(), *o;
	const struct channel *c;

	for (c = channels; c < channels + count; c++) {
		o = cJSON_CreateObject();
		enbd_json_u64(o, "index", c->index);
		enbd_json_text(o, "state", enbd_channel_state_name(c->state));
		enbd_json_text(o, "peer", c->peer);
		enbd_json_text(o, "local", c->local);
		enbd_json_u64(o, "requested", c->requested);
		enbd_json_u64(o, "dispatched", c->dispatched);
		enbd_json_u64(o, "errored", c->errored);
		enbd_json_u64(o, "retracted", c->retracted);
		enbd_json_u64(o, "pending", c->pending);
		enbd_json_u64(o, "bytes_read", c->bytes_read);
		enbd_json_u64(o, "bytes_written", c->bytes_written);
		enbd_json_u64(o, "hw_queue", c->hw_queue);
		enbd_json_u64(o, "incarnation", c->incarnation);
		enbd_json_text(o, "reply_format",
			       enbd_reply_format_name(c->reply_format));
		enbd_json_text(o, "reason", c->reason);
		cJSON_AddBoolToObject(o, "unfenced", c->unfenced);
		enbd_json_u64(o, "stall_us", c->stall);
		cJSON_AddItemToArray(array, o);
	}
	return array;
}

cJSON *show_device_json(const struct device *d, const struct channel *channels,
			size_t count)
{
	cJSON *o = cJSON_CreateObject();

	enbd_json_text(o, "name", d->name);
	enbd_json_u64(o, "index", d->index);
	enbd_json_text(o, "state", enbd_device_state_name(d->state));
	enbd_json_u64(o, "size", d->size);
	cJSON_AddBoolToObject(o, "read_only", d->read_only);
	enbd_json_text(o, "uri", d->uri);
	enbd_json_text(o, "export", d->export);
	enbd_json_u64(o, "flags", d->flags);
	enbd_json_u64(o, "block_min", d->block_min);
	enbd_json_u64(o, "block_pref", d->block_pref);
	enbd_json_u64(o, "block_max", d->block_max);
	enbd_json_u64(o, "max_sectors", d->max_sectors);
	enbd_json_u64(o, "hw_queues", d->hw_queues);
	enbd_json_u64(o, "queue_depth", d->queue_depth);
	enbd_json_u64(o, "io_timeout_ms", d->io_timeout);
	enbd_json_u64(o, "dead_timeout_ms", d->dead_timeout);
	enbd_json_u64(o, "keepalive_ms", d->keepalive);
	enbd_json_text(o, "replay", enbd_replay_name(d->replay));
	enbd_json_text(o, "fencing", enbd_fencing_name(d->fencing));
	enbd_json_u64(o, "held", d->held);
	cJSON_AddItemToObject(o, "features", features_json(d->features));
	enbd_json_u64(o, "unflushed", d->unflushed);
	enbd_json_u64(o, "region_size", d->region_size);
	enbd_json_u64(o, "openers", d->openers);
	enbd_json_u64(o, "parked", d->parked);
	cJSON_AddItemToObject(o, "channels",
			      show_channels_json(channels, count));
	return o;
}
