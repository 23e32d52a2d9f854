// SPDX-License-Identifier: GPL-2.0
/* What SIGUSR1 and SIGUSR2 ask for: an end to waiting. */
#include <time.h>

#include "deadline.h"
#include "monitor.h"
#include "query.h"

/* How long the driver may take to notice that the time is over */
#define FAIL_MS		1000
#define FAIL_STEP_MS	10

static int set_dead_timeout(struct nl *nl, uint32_t index, uint32_t ms,
			    struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_SET, false);

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, index);
	mnl_attr_put_u32(req, ENBD_A_DEVICE_DEAD_TIMEOUT, ms);
	return nl_run(nl, req, NULL, NULL, NULL, err);
}

static int await_failed(struct nl *nl, uint32_t index, struct enbd_err *err)
{
	const struct timespec step = { .tv_nsec = FAIL_STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + FAIL_MS;
	struct device device;

	do {
		nanosleep(&step, NULL);
		if (query_device(nl, index, &device, err))
			return -1;
	} while (device.state == ENBD_DEVICE_STATE_PARKED &&
		 enbd_now_ms() < deadline);
	return 0;
}

/*
 * The driver fails requests when its time is over: it is made short for a
 * moment. The device stays failed until a channel is connected.
 */
static int fail_pending(struct nl *nl, const struct watched *w,
			struct enbd_err *err)
{
	int rc;

	if (set_dead_timeout(nl, w->index, 1, err))
		return -1;
	rc = await_failed(nl, w->index, err);
	return set_dead_timeout(nl, w->index, w->dead_timeout, err) ? -1 : rc;
}

static int remove_device(struct nl *nl, const struct watched *w,
			 struct enbd_err *err)
{
	char buf[NL_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = nl_begin(nl, buf, ENBD_NL_DEVICE_DEL, false);

	mnl_attr_put_u32(req, ENBD_A_DEVICE_INDEX, w->index);
	mnl_attr_put(req, ENBD_A_DEVICE_FORCE, 0, NULL);
	if (nl_run(nl, req, NULL, NULL, NULL, err))
		return -1;
	runstate_remove(w->name);
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
