// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "deadline.h"
#include "monitor.h"
#include "query.h"

/* xorshift64*: only to keep attempts apart */
uint32_t monitor_random(struct monitor *m)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)(m->random * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static struct watched *find(struct monitor *m, uint32_t index)
{
	struct watched *w;

	for (w = m->devices; w; w = w->next)
		if (w->index == index)
			return w;
	return NULL;
}

static void read_file(struct watched *w, uint64_t now)
{
	struct enbd_err err;
	int rc = runstate_read(w->name, &w->remembered, &err);

	w->known = !rc;
	w->foreign = false;
	if (rc < 0)
		monitor_say(now, "%s; the driver's URI will do", err.text);
}

/* A device by the number of one that was removed meanwhile is another one. */
static bool same(const struct watched *w, const struct device *d)
{
	return !strcmp(w->uri, d->uri) && !strcmp(w->name, d->name);
}

static void forget(struct monitor *m, struct watched *w)
{
	struct watched **at = &m->devices;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

static struct watched *add(struct monitor *m, const struct device *d,
			   uint64_t now)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->serial = ++m->serial;
	w->index = d->index;
	snprintf(w->name, sizeof(w->name), "%s", d->name);
	snprintf(w->uri, sizeof(w->uri), "%s", d->uri);
	w->repair.max_backoff = m->max_backoff;
	w->next = m->devices;
	m->devices = w;
	read_file(w, now);
	return w;
}

static bool remembers(const struct watched *w, unsigned int place)
{
	return w->known && !w->foreign && w->remembered.channels[place].uri[0];
}

/* How a channel is connected: as remembered, else by what the driver keeps */
static void find_way(const struct watched *w, unsigned int place,
		     struct runstate_channel *way)
{
	memset(way, 0, sizeof(*way));
	if (remembers(w, place))
		*way = w->remembered.channels[place];
	else
		snprintf(way->uri, sizeof(way->uri), "%s", w->uri);
}

/* The lowest place that is connected in the same way */
static unsigned int find_path(const struct watched *w, unsigned int place)
{
	struct runstate_channel mine, other;
	unsigned int i;

	find_way(w, place, &mine);
	for (i = 0; i < place; i++) {
		find_way(w, i, &other);
		if (!strcmp(mine.uri, other.uri) &&
		    !strcmp(mine.bind, other.bind))
			return i;
	}
	return place;
}

/*
 * Who removes a channel takes it out of the file first. So one that is missing
 * is missed only if it is in the file after the driver was asked.
 */
static void read_again(struct watched *w, const struct channel **by_place,
		       uint64_t now)
{
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		if (by_place[i] || !remembers(w, i))
			continue;
		read_file(w, now);
		return;
	}
}

static void see_channels(struct monitor *m, struct watched *w,
			 const struct channel *channels, size_t count,
			 uint64_t now)
{
	const struct channel *by_place[ENBD_MAX_CHANNELS] = { NULL };
	enum repair_state state;
	unsigned int i;
	size_t k;

	for (k = 0; k < count; k++)
		if (channels[k].device_index == w->index &&
		    channels[k].index < ENBD_MAX_CHANNELS)
			by_place[channels[k].index] = &channels[k];
	read_again(w, by_place, now);
	w->live = 0;
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		/* One that connect could not have is wanted all the same. */
		if (!by_place[i])
			state = remembers(w, i) ? REPAIR_BROKEN : REPAIR_ABSENT;
		else if (by_place[i]->state == ENBD_CHANNEL_STATE_LOST)
			state = REPAIR_BROKEN;
		else
			state = REPAIR_FINE;
		if (w->state == ENBD_DEVICE_STATE_DELETING)
			state = REPAIR_ABSENT;
		if (state == REPAIR_FINE)
			w->live++;
		if (state == REPAIR_BROKEN &&
		    w->repair.places[i].state == REPAIR_FINE && by_place[i])
			monitor_say(now, "%s: channel %u is lost: %s", w->name,
				    i, by_place[i]->reason);
		repair_see(&w->repair, i, state, find_path(w, i), now,
			   monitor_random(m));
	}
}

static int query(struct nl *nl, struct device **devices, size_t *device_count,
		 struct channel **channels, size_t *channel_count,
		 struct enbd_err *err)
{
	if (query_devices(nl, devices, device_count, err))
		return -1;
	if (!query_channels(nl, QUERY_ALL, channels, channel_count, err))
		return 0;
	free(*devices);
	return -1;
}

int devices_look(struct monitor *m, bool files, uint64_t now,
		 struct enbd_err *err)
{
	struct channel *channels;
	struct device *devices;
	size_t n, channel_count, i;
	struct watched *w, *next;
	struct nl nl;
	int rc;

	if (nl_open(&nl, false, err))
		return -1;
	rc = query(&nl, &devices, &n, &channels, &channel_count, err);
	nl_close(&nl);
	if (rc)
		return -1;
	for (w = m->devices; w; w = w->next)
		w->seen = false;
	for (i = 0; i < n; i++) {
		w = find(m, devices[i].index);
		if (w && !same(w, &devices[i])) {
			forget(m, w);
			w = NULL;
		}
		if (w && files)
			read_file(w, now);
		if (!w)
			w = add(m, &devices[i], now);
		if (!w)
			continue;
		w->seen = true;
		w->state = devices[i].state;
		w->dead_timeout = devices[i].dead_timeout;
		see_channels(m, w, channels, channel_count, now);
	}
	for (w = m->devices; w; w = next) {
		next = w->next;
		if (!w->seen)
			forget(m, w);
	}
	free(devices);
	free(channels);
	return 0;
}

void devices_forget(struct monitor *m)
{
	while (m->devices)
		forget(m, m->devices);
}

static void begin(struct watched *w, unsigned int place, uint64_t now)
{
	struct attempt t = {
		.device = w->index,
		.serial = w->serial,
		.place = place,
		.started = now,
		.timeout_ms = ENBD_HANDSHAKE_TIMEOUT_MS,
		.limit = ENBD_REPLY_FORMAT_EXTENDED,
	};

	memcpy(t.uri, w->uri, sizeof(t.uri));
	find_way(w, place, &t.way);
	if (w->known && !w->foreign) {
		t.known = true;
		t.timeout_ms = w->remembered.timeout_ms;
		t.limit = w->remembered.limit;
		memcpy(t.session, w->remembered.session, sizeof(t.session));
	}
	work_begin(&t);
}

/*
 * An attempt for each device that needs one, while there are threads. Who has got
 * one goes to the end, so that with many devices each has its turn. Return: did
 * anybody get one?
 */
static bool begin_each(struct monitor *m, uint64_t now)
{
	struct watched *w, **at = &m->devices;
	struct watched *served = NULL, **last = &served;
	int place;

	while ((w = *at) && work_free()) {
		place = repair_next(&w->repair, now);
		if (place < 0) {
			at = &w->next;
			continue;
		}
		begin(w, (unsigned int)place, now);
		*at = w->next;
		w->next = NULL;
		*last = w;
		last = &w->next;
	}
	while (*at)
		at = &(*at)->next;
	*at = served;
	return served;
}

uint64_t devices_repair(struct monitor *m, uint64_t now)
{
	uint64_t due = REPAIR_NEVER, next;
	struct watched *w;

	while (begin_each(m, now))
		;
	for (w = m->devices; w; w = w->next) {
		next = repair_due(&w->repair);
		if (next < due)
			due = next;
	}
	/* With all threads busy the end of an attempt is the time. */
	return work_free() ? due : REPAIR_NEVER;
}

static void say_failure(struct watched *w, const struct attempt *t,
			uint64_t now)
{
	const unsigned int path = w->repair.places[t->place].path;
	unsigned int hidden;

	/* A wrong server stays wrong until somebody does something. */
	if (!log_reason(&w->reasons[path], t->err.text,
			t->err.code != ENBD_EXIT_IDENTITY, now, &hidden))
		return;
	if (hidden)
		monitor_say(now, "%s: channel %u: %s (%u times)", w->name,
			    t->place, t->err.text, hidden + 1);
	else
		monitor_say(now, "%s: channel %u: %s; trying again", w->name,
			    t->place, t->err.text);
}

bool devices_report(struct monitor *m, struct attempt *t, uint64_t now)
{
	struct watched *w = find(m, t->device);
	unsigned int path;

	/* The device that it was for is gone. */
	if (!w || w->serial != t->serial)
		return true;
	path = w->repair.places[t->place].path;
	repair_done(&w->repair, t->place, t->outcome, t->started, now,
		    monitor_random(m));
	if (t->foreign)
		w->foreign = true;
	w->tried[path]++;
	if (t->outcome == REPAIR_FAILED)
		say_failure(w, t, now);
	if (t->outcome != REPAIR_DONE)
		return t->outcome == REPAIR_AGAIN;
	monitor_say(now, "%s: channel %u is connected again to %s%s%s, incarnation %u, attempts: %u",
		    w->name, t->place, t->way.uri, t->way.bind[0] ? " from " : "",
		    t->way.bind, t->incarnation, w->tried[path]);
	w->tried[path] = 0;
	memset(&w->reasons[path], 0, sizeof(w->reasons[path]));
	return true;
}

void devices_kick(struct monitor *m, uint64_t now)
{
	struct watched *w;

	for (w = m->devices; w; w = w->next)
		repair_kick(&w->repair, now);
}
