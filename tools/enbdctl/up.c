// SPDX-License-Identifier: GPL-2.0
/* enbdctl up, down and check-config: devices by their names in enbd.conf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "deadline.h"
#include "log.h"
#include "query.h"
#include "runstate.h"
#include "verb.h"

enum {
	KEY_CONFIG = 'c',
	KEY_ALL = 'a',
	KEY_FORCE = 'f',
};

/* How long to put up with an earlier device that goes, and how often to look */
#define GOING_MS		5000
#define GOING_STEP_MS		50

/* Both verbs; each has the options that mean something to it. */
struct arguments {
	const char *name[1];
	const char *config;
	bool all;
	bool force;
};

/* Return: -1, with EAGAIN in @err, for that may be over soon. */
static int is_going(const struct conf_device *want, const struct device *d,
		    struct enbd_err *err)
{
	enbd_fail(err, ENBD_EXIT_BUSY,
		  "%s: /dev/%s is being removed, which takes long; try again, or end it with: enbdctl disconnect --force %s",
		  want->name, d->name, d->name);
	err->error = EAGAIN;
	return -1;
}

/*
 * The device that a section describes, by its number and by its export; one that
 * goes only where none stays.
 * Return: 1 if it is there, 0 if not, -1 with @err.
 */
static int find(const struct device *list, size_t count,
		const struct conf_device *want, struct device *found,
		struct enbd_err *err)
{
	const struct device *going = NULL;
	struct enbd_uri other;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct device *d = &list[i];
		const bool goes = d->state == ENBD_DEVICE_STATE_DELETING;
		const bool named = !strcmp(d->name, want->device);
		const bool same = !enbd_uri_parse(d->uri, &other, err) &&
				  conf_has(want, &other);

		if (same && (named || (!want->device[0] && !goes))) {
			*found = *d;
			return 1;
		}
		if (!same && !named)
			continue;
		if (goes) {
			going = d;
			continue;
		}
		if (same)
			return enbd_fail(err, ENBD_EXIT_BUSY,
					 "%s: %s is connected as /dev/%s, not /dev/%s; disconnect that first",
					 want->name, other.text, d->name,
					 want->device);
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "%s: /dev/%s is connected to %s; disconnect it, or choose another device",
				 want->name, d->name, d->uri);
	}
	if (!going)
		return 0;
	if (want->device[0])
		return is_going(want, going, err);
	*found = *going;
	return 1;
}

static int look(const struct conf_device *want, bool load,
		struct device *found, struct enbd_err *err)
{
	struct device *list;
	size_t count;
	struct nl nl;
	int rc;

	if (nl_open(&nl, load, err))
		return -1;
	rc = query_devices(&nl, &list, &count, err);
	nl_close(&nl);
	if (rc)
		return -1;
	rc = find(list, count, want, found, err);
	free(list);
	return rc;
}

/* As look(), but what is going is not there; it is waited for a while. */
static int look_for_one_that_stays(const struct conf_device *want,
				   struct device *found, struct enbd_err *err)
{
	const struct timespec step = { .tv_nsec = GOING_STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + GOING_MS;
	int rc;

	for (;;) {
		rc = look(want, true, found, err);
		if (rc > 0 && found->state == ENBD_DEVICE_STATE_DELETING)
			rc = is_going(want, found, err);
		if (rc >= 0 || err->error != EAGAIN ||
		    enbd_now_ms() >= deadline)
			return rc;
		nanosleep(&step, NULL);
	}
}

/* Two at once would make two disks of one export. */
static int up(struct conf_device *want)
{
	char file[CONF_NAME_MAX + 16];
	struct connect connect;
	struct device device;
	struct enbd_err err;
	int held, rc;

	snprintf(file, sizeof(file), "up-%s.lock", want->name);
	held = runstate_lock(file, &err);
	if (held < 0)
		return verb_failed(&err);
	rc = look_for_one_that_stays(want, &device, &err);
	if (rc < 0) {
		rc = verb_failed(&err);
	} else if (rc) {
		printf("/dev/%s\n", device.name);
		rc = ENBD_EXIT_OK;
	} else {
		connect.dial = want->dial;
		connect.device = want->device[0] ? want->device : NULL;
		connect.options = want->options;
		rc = connect_run(&connect);
	}
	close(held);
	return rc;
}

static int down(const struct conf_device *want, bool force)
{
	struct device device;
	struct enbd_err err;
	int rc;

	/* Without the module there is nothing to take down. */
	if (access("/sys/module/enbd", F_OK))
		return ENBD_EXIT_OK;
	rc = look(want, false, &device, &err);
	/* What is in the way of "up" is not of this section. */
	if (rc < 0 && err.code != ENBD_EXIT_BUSY)
		return verb_failed(&err);
	return rc > 0 ? disconnect_run(device.name, force) : ENBD_EXIT_OK;
}

/* Goes on with the others when one fails. Return: the first exit code. */
static int run(const struct arguments *args, bool to_up)
{
	struct conf_device *d;
	struct enbd_err err;
	struct conf conf;
	int rc = ENBD_EXIT_OK, one;

	conf_init(&conf);
	if (conf_load(&conf, args->config, &err)) {
		rc = verb_failed(&err);
	} else if (!args->all && !conf_find(&conf, args->name[0])) {
		enbd_error("%s: no [device %s] in %s; add it", args->name[0],
			   args->name[0],
			   args->config ? args->config : CONF_PATH);
		rc = ENBD_EXIT_USAGE;
	}
	for (d = rc ? NULL : conf.devices; d; d = d->next) {
		if (!args->all && strcmp(d->name, args->name[0]))
			continue;
		one = to_up ? up(d) : down(d, args->force);
		if (!rc)
			rc = one;
	}
	conf_free(&conf);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case KEY_CONFIG:
		args->config = arg;
		return 0;
	case KEY_ALL:
		args->all = true;
		return 0;
	case KEY_FORCE:
		args->force = true;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->name, 1, arg);
		return 0;
	case ARGP_KEY_END:
		if (args->all == !!args->name[0])
			verb_usage(state, "name either a section or --all");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

#define CONFIG_OPTION \
	{ "config", KEY_CONFIG, "FILE", 0, \
	  "Instead of /etc/enbd/enbd.conf", 0 }

int verb_up(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "all", KEY_ALL, NULL, 0, "Every section", 0 },
		CONFIG_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "NAME\n--all",
		.doc = "Connect a device as enbd.conf(5) has it and print its name; nothing to do if it is connected already.",
	};
	struct arguments args = { .name = { NULL } };

	verb_parse(&argp, argc, argv, &args);
	return run(&args, true);
}

int verb_down(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "all", KEY_ALL, NULL, 0, "Every section", 0 },
		{ "force", KEY_FORCE, NULL, 0,
		  "Even if it is in use; what is not written is lost", 0 },
		CONFIG_OPTION,
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "NAME\n--all",
		.doc = "Disconnect a device of enbd.conf(5); nothing to do if it is not connected.",
	};
	struct arguments args = { .name = { NULL } };

	verb_parse(&argp, argc, argv, &args);
	return run(&args, false);
}

/* It may be a mistake, or a card that is not there yet. */
static void note_interfaces(const struct conf *conf)
{
	const struct conf_device *d;
	unsigned int i;

	for (d = conf->devices; d; d = d->next)
		for (i = 0; i < d->dial.bind_count; i++)
			if (!d->dial.binds[i].addr_len &&
			    !if_nametoindex(d->dial.binds[i].iface))
				enbd_note("%s: bind: there is no interface %s now",
					  d->name, d->dial.binds[i].iface);
}

int verb_check_config(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "[FILE]",
		.doc = "Read the configuration, /etc/enbd/enbd.conf unless another is named, and say what is wrong in it. Nothing is done.",
		.max = 1,
	};
	struct verb_args args;
	struct enbd_err err;
	struct conf conf;
	int rc = ENBD_EXIT_OK;

	verb_read(&spec, argc, argv, NULL, &args);
	conf_init(&conf);
	if (conf_load(&conf, args.arg[0], &err))
		rc = verb_failed(&err);
	else
		note_interfaces(&conf);
	conf_free(&conf);
	return rc;
}
