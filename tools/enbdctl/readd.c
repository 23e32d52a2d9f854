// SPDX-License-Identifier: GPL-2.0
/* enbdctl readd: for udev and systemd, when a device is back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "devname.h"
#include "log.h"
#include "readd.h"
#include "verb.h"

enum {
	KEY_EVENT = 'e',
	KEY_FORCE = 'f',
	KEY_WAIT = 'w',
};

/* md may learn of an error that came before the return a moment after it. */
#define WAIT_MS		3000
#define STEP_MS		100

struct arguments {
	const char *device[1];
	uint32_t wait_ms;
	bool event;
	bool force;
};

/* "" when the device is gone */
static void read_state(const char *disk, char *state, int size)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/enbd/state", disk);
	f = fopen(path, "re");
	if (!f || !fgets(state, size, f))
		state[0] = '\0';
	state[strcspn(state, "\n")] = '\0';
	if (f)
		fclose(f);
}

static int take_all(struct readd *r, struct enbd_err *err)
{
	struct enbd_err one;
	bool taken;
	size_t i;
	int rc = 0;

	for (i = 0; i < r->node_count; i++) {
		taken = false;
		if (!readd_take_back(r, &r->nodes[i], &taken, &one)) {
			if (taken)
				enbd_note("/dev/%s: taken back into its array",
					  r->nodes[i].name);
			continue;
		}
		*err = one;
		rc = -1;
	}
	return rc;
}

/* One look at how things are. Return: 0, 1 if the device is gone, -1. */
static int step(struct readd *r, struct enbd_err *err)
{
	char state[16];
	int rc = 0;

	read_state(r->disk, state, sizeof(state));
	if (!state[0])
		return 1;
	if (strcmp(state, "up") && strcmp(state, "stale"))
		return 0;
	if (md_arrays_read(&r->arrays, &r->array_count, err))
		return -1;
	if (!strcmp(state, "stale")) {
		rc = readd_stale(r, err);
		if (!rc)
			enbd_note("/dev/%s: what its server may have forgotten is marked in its array",
				  r->disk);
	} else {
		rc = take_all(r, err);
	}
	md_arrays_free(r->arrays, r->array_count);
	return rc;
}

static int run(const struct arguments *args, struct enbd_err *err)
{
	const struct timespec nap = { .tv_nsec = STEP_MS * 1000000L };
	uint64_t deadline = enbd_now_ms() + args->wait_ms;
	static struct readd r;
	uint32_t index;
	int held, rc;

	if (devname_index(args->device[0], &index, err))
		return -1;
	r.force = args->force;
	devname_format(index, r.disk);
	held = readd_lock(r.disk, err);
	if (held < 0)
		return -1;
	readd_nodes(&r);
	for (;;) {
		rc = step(&r, err);
		if (rc || enbd_now_ms() >= deadline)
			break;
		nanosleep(&nap, NULL);
	}
	close(held);
	return rc < 0 ? -1 : 0;
}

/*
 * For udev, which waits for what it starts: the rest happens behind its back,
 * and what there is to say goes where the driver's own messages are.
 */
static void leave_to_child(void)
{
	int log, null;

	if (fork() > 0)
		_exit(ENBD_EXIT_OK);
	setsid();
	null = open("/dev/null", O_RDWR);
	log = open("/dev/kmsg", O_WRONLY);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log < 0 ? null : log, STDERR_FILENO);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case KEY_EVENT:
		args->event = true;
		return 0;
	case KEY_FORCE:
		args->force = true;
		return 0;
	case KEY_WAIT:
		args->wait_ms = verb_seconds(state, "--wait", arg);
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->device, 1, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the device is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_readd(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "event", KEY_EVENT, NULL, 0,
		  "Return at once and go on in the background", 0 },
		{ "force", KEY_FORCE, NULL, 0,
		  "Accept a stale device although it has lost regions that are in no array: those of a leg are remembered until it is taken back, others are yours to repair",
		  0 },
		{ "wait", KEY_WAIT, "SECONDS", 0,
		  "Keep looking for so long (3)", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "DEVICE",
		.doc = "Put a device that was away, or its partitions, back into the md arrays that miss it.\v"
		       "If the device is stale, the lost regions are put into the arrays' bitmaps first and the device is accepted.",
	};
	struct arguments args = { .wait_ms = WAIT_MS };
	struct enbd_err err;

	verb_parse(&argp, argc, argv, &args);
	if (args.event)
		leave_to_child();
	return run(&args, &err) ? verb_failed(&err) :
	       ENBD_EXIT_OK;
}
