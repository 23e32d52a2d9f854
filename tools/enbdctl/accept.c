// SPDX-License-Identifier: GPL-2.0
/* enbdctl accept: a stale device is used as it is. */
#include <string.h>
#include <unistd.h>

#include "query.h"
#include "readd.h"
#include "stale.h"
#include "verb.h"

enum {
	KEY_FORCE = 'f',
};

/* The driver says that there is nothing to accept, or that there is no device. */
static int accept_stale(const char *name, bool force, struct enbd_err *err)
{
	static struct readd r;
	struct device device;
	struct nl nl;
	int held, rc;

	if (query_named(name, &nl, &device, err))
		return -1;
	nl_close(&nl);
	if (device.state != ENBD_DEVICE_STATE_STALE)
		return stale_accept(name, err);
	strcpy(r.disk, device.name);
	r.force = force;
	held = readd_lock(r.disk, err);
	if (held < 0)
		return -1;
	readd_nodes(&r);
	rc = md_arrays_read(&r.arrays, &r.array_count, err);
	if (!rc) {
		rc = readd_accept(&r, err);
		md_arrays_free(r.arrays, r.array_count);
	}
	close(held);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *force = state->input;

	(void)arg;
	if (key != KEY_FORCE)
		return ARGP_ERR_UNKNOWN;
	*force = true;
	return 0;
}

int verb_accept(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "force", KEY_FORCE, NULL, 0,
		  "Although an array holds it: what it lost is marked there already",
		  0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
	};
	static const struct verb_spec spec = {
		.args_doc = "DEVICE",
		.doc = "Take responsibility for the writes that a stale device may have lost: it works again, with what the server has.\v"
		       "See enbdctl lost-regions for what that concerns, and repair it. "
		       "A device that is in an array is refused: enbdctl readd has the array copy what it lost.",
		.min = 1, .max = 1, .missing = "the device is missing",
		.more = &argp,
	};
	struct verb_args args;
	struct enbd_err err;
	bool force = false;

	verb_read(&spec, argc, argv, &force, &args);
	return accept_stale(args.arg[0], force, &err) ? verb_failed(&err) :
	       ENBD_EXIT_OK;
}
