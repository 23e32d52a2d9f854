// SPDX-License-Identifier: GPL-2.0
/* What SIGUSR1 and SIGUSR2 ask for: an end to waiting. */
#include <stdlib.h>
#include <string.h>

#include "envfile.h"
#include "monitor.h"
#include "query.h"

/* The device stays failed until a channel is connected. */
static int fail_pending(struct nl *nl, const struct watched *w,
			struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_SET, false);

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, w->index);
	mnl_attr_put(req, ENBD_A_DEVICE_GIVE_UP, 0, NULL);
	return nl_run(nl, req, NULL, NULL, NULL, err);
}

/*
 * An attempt that was under way may have ended well since the driver was asked,
 * and the number may be of another device. Return: 0, or -1 with @err.
 */
static int still_dead(struct nl *nl, const struct watched *w,
		      struct enbd_err *err)
{
	struct channel *channels;
	struct device device;
	size_t count, i;
	bool live = false;

	if (query_channels(nl, w->index, &channels, &count, err))
		return -1;
	for (i = 0; i < count; i++)
		live |= channels[i].state != ENBD_CHANNEL_STATE_LOST;
	free(channels);
	if (live)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "a channel has been connected, the device stays");
	if (query_device(nl, w->index, &device, err))
		return -1;
	if (!strcmp(device.uri, w->uri))
		return 0;
	return enbd_fail(err, ENBD_EXIT_BUSY,
			 "it is another device by now and stays");
}

static int remove_device(struct nl *nl, const struct watched *w,
			 struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct runstate_id id;
	struct nlmsghdr *req;

	runstate_identify(w->name, &id);
	if (still_dead(nl, w, err))
		return -1;
	req = nl_begin(nl, buf, ENBD_NL_DEVICE_DEL, false);
	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, w->index);
	mnl_attr_put(req, ENBD_A_DEVICE_FORCE, 0, NULL);
	if (nl_run(nl, req, NULL, NULL, NULL, err))
		return -1;
	runstate_remove(w->name, &id);
	envfile_sweep(w->name);
	return 0;
}

static void for_the_dead(struct monitor *m, uint64_t now, bool parked_only,
			 int (*act)(struct nl *nl, const struct watched *w,
				    struct enbd_err *err), const char *what)
{
	struct watched *w;
	struct enbd_err err;
	struct nl nl;

	if (nl_open(&nl, false, &err)) {
		monitor_say(now, "%s", err.text);
		return;
	}
	for (w = m->devices; w; w = w->next) {
		if (w->live || (parked_only &&
				w->state != ENBD_DEVICE_STATE_PARKED))
			continue;
		if (act(&nl, w, &err))
			monitor_say(now, "%s: %s", w->name, err.text);
		else
			monitor_say(now, "%s: no channel is left: %s", w->name,
				    what);
	}
	nl_close(&nl);
}

void devices_fail_pending(struct monitor *m, uint64_t now)
{
	for_the_dead(m, now, true, fail_pending,
		     "the requests that waited have failed");
}

void devices_remove_dead(struct monitor *m, uint64_t now)
{
	for_the_dead(m, now, false, remove_device, "the device is removed");
}
