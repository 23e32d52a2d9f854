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
#include "ending.h"
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

/* How long the array may take to give a leg its place, for it may be busy. */
#define PLACE_MS	60000
#define PLACE_STEP_MS	20

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

	for (i = 0; i < r->node_count && !ending_told(); i++) {
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

static void forget_arrays(struct readd *r)
{
	md_arrays_free(r->arrays, r->array_count);
	r->arrays = NULL;
	r->array_count = 0;
}

static bool holds_one(const struct md_array *a, const struct readd *r)
{
	size_t i;

	for (i = 0; i < r->node_count; i++)
		if (md_member_of(a, 1, r->nodes[i].name, NULL))
			return true;
	return false;
}

/*
 * Two legs of an array that are stale at the same time: that the array can do
 * without the one is no longer so when the other has been taken out. All runs take
 * the locks in the same order, that of md_arrays_read().
 */
static int repair_alone(struct readd *r, struct enbd_err *err)
{
	int *held = calloc(r->array_count + 1, sizeof(*held));
	size_t count = 0, i;
	int rc = 0;

	if (!held)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	for (i = 0; i < r->array_count && !rc; i++) {
		if (!holds_one(&r->arrays[i], r))
			continue;
		held[count] = readd_lock(r->arrays[i].node, err);
		rc = held[count] < 0 ? -1 : 0;
		count += !rc;
	}
	forget_arrays(r);
	if (!rc && !md_arrays_read(&r->arrays, &r->array_count, err))
		rc = readd_stale(r, err);
	else
		rc = -1;
	while (count)
		close(held[--count]);
	free(held);
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
		rc = repair_alone(r, err);
		if (!rc)
			enbd_note("/dev/%s: what its server may have forgotten is marked in its array",
				  r->disk);
	} else {
		rc = take_all(r, err);
	}
	forget_arrays(r);
	return rc;
}

/* Is a leg that was taken back still without a place? */
static bool watch_all(struct readd *r)
{
	bool waiting = false;
	size_t i;

	for (i = 0; i < r->node_count; i++)
		if (r->nodes[i].joining && !readd_watch(r, &r->nodes[i]))
			waiting = true;
	forget_arrays(r);
	return waiting;
}

/* Return: as step(). */
static int look_on(struct readd *r, uint32_t wait_ms, struct enbd_err *err)
{
	const struct timespec nap = { .tv_nsec = STEP_MS * 1000000L };
	const struct timespec short_nap = { .tv_nsec = PLACE_STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + wait_ms;
	const uint64_t last = deadline + PLACE_MS;
	bool waiting, again = true;
	uint64_t now;
	int rc = 0;

	for (;;) {
		if (again)
			rc = step(r, err);
		/* What others are in the way of may be possible in a moment. */
		again = !rc || (rc < 0 && err->code == ENBD_EXIT_BUSY);
		waiting = watch_all(r);
		now = enbd_now_ms();
		if (ending_told() || now >= (waiting ? last : deadline) ||
		    !(again || waiting))
			return rc;
		nanosleep(waiting ? &short_nap : &nap, NULL);
	}
}

static int run(const struct arguments *args, struct enbd_err *err)
{
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
	/*
	 * systemd begins again when the device is back once more. What is under
	 * way is ended first: an mdadm that is killed leaves the array frozen.
	 */
	ending_catch();
	readd_thaw_others(r.disk);
	rc = look_on(&r, args->wait_ms, err);
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
