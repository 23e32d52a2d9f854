// SPDX-License-Identifier: GPL-2.0
/* enbdctl events: what happens to devices and channels, as it happens. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "netlink_tables.h"
#include "nl.h"
#include "nl_msg.h"
#include "text.h"
#include "verb.h"

static void print(const struct event *e)
{
	char reason[MSG_REASON_MAX];

	if (e->is_channel)
		printf("%s channel %u: %s%s%s", e->name, e->channel,
		       enbd_event_name(e->event), e->has_state ? ": " : "",
		       e->has_state ? enbd_channel_state_name(e->state) : "");
	else
		printf("%s: %s: %s, %" PRIu64 " bytes", e->name,
		       enbd_event_name(e->event),
		       enbd_device_state_name(e->state), e->size);
	enbd_text_clean(reason, sizeof(reason), e->reason, strlen(e->reason));
	if (reason[0])
		printf(" (%s)", reason);
	if (e->stall)
		printf(", requests waited %u us", e->stall);
	printf("\n");
}

static void print_json(const struct event *e)
{
	cJSON *o = cJSON_CreateObject();

	enbd_json_text(o, "event", enbd_event_name(e->event));
	enbd_json_text(o, "name", e->name);
	enbd_json_u64(o, "index", e->device);
	if (e->is_channel) {
		enbd_json_u64(o, "channel", e->channel);
		if (e->has_state)
			enbd_json_text(o, "state",
				       enbd_channel_state_name(e->state));
		enbd_json_u64(o, "incarnation", e->incarnation);
		enbd_json_u64(o, "stall_us", e->stall);
	} else {
		enbd_json_text(o, "state", enbd_device_state_name(e->state));
		enbd_json_u64(o, "size", e->size);
	}
	enbd_json_text(o, "reason", e->reason);
	enbd_json_print_line(o);
}

static int show(void *arg, const struct nlmsghdr *nlh, struct enbd_err *err)
{
	const struct verb_args *args = arg;
	struct event event;

	(void)err;
	/* An event of a later driver is none of this program's. */
	if (msg_get_event(nlh, &event))
		return 0;
	if (args->json)
		print_json(&event);
	else
		print(&event);
	return 0;
}

static int listen_and_show(struct verb_args *args, struct enbd_err *err)
{
	struct nl nl;
	bool lost;
	int rc;

	if (nl_open(&nl, false, err))
		return -1;
	rc = nl_listen(&nl, err) || nl_listen_end(&nl, err) ? -1 : 0;
	/* Who reads through a pipe must not wait for more; nor may we when
	 * nobody reads any more.
	 */
	while (!rc && !fflush(stdout)) {
		rc = nl_hear(&nl, show, args, &lost, err);
		if (lost)
			enbd_note("events were lost; see enbdctl status for how things stand");
	}
	nl_close(&nl);
	return rc;
}

int verb_events(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.doc = "Print what happens to devices and channels, until interrupted or the module is removed; with --json one object a line.",
		.json = true,
	};
	struct verb_args args;
	struct enbd_err err;

	verb_read(&spec, argc, argv, NULL, &args);
	return listen_and_show(&args, &err) ? verb_failed(&err) : ENBD_EXIT_OK;
}
