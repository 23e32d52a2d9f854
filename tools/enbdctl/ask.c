// SPDX-License-Identifier: GPL-2.0
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envfile.h"
#include "runstate.h"

static bool is_new(const struct runstate_channel *way,
		   const struct runstate_channel *ways, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(way->uri, ways[i].uri) &&
		    !strcmp(way->bind, ways[i].bind))
			return false;
	return way->uri[0];
}

/*
 * The distinct ways of a device, moved to the front. What is remembered is of an
 * earlier device if the URI that the driver keeps is not in it.
 */
static unsigned int find_ways(const struct device *device,
			      struct runstate_channel *ways)
{
	unsigned int i, count = 0;
	bool own = false;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		own |= !strcmp(ways[i].uri, device->uri);
		if (is_new(&ways[i], ways, count))
			ways[count++] = ways[i];
	}
	if (own)
		return count;
	memset(&ways[0], 0, sizeof(ways[0]));
	snprintf(ways[0].uri, sizeof(ways[0].uri), "%s", device->uri);
	return 1;
}

static int check_identity(const struct device *device, const char *server,
			  const struct enbd_hello *hello, struct enbd_err *err)
{
	char shown[ENBD_SIGNATURE_DIGEST], expected[ENBD_SIGNATURE_DIGEST];

	if (!device->features)
		return 0;
	if (!hello->features)
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "%s: shows no signature, the server of /dev/%s does; is it another server?",
				 server, device->name);
	enbd_signature_digest(hello->signature, shown);
	if (envfile_digest(device->name, expected) <= 0)
		return enbd_fail(err, ENBD_EXIT_IDENTITY,
				 "/dev/%s: what signature its server has is not in %s any more, so that %s cannot be told from another; disconnect, and connect again",
				 device->name, runstate_dir(), server);
	if (!strcmp(shown, expected))
		return 0;
	return enbd_fail(err, ENBD_EXIT_IDENTITY,
			 "%s: shows another signature than the server of /dev/%s; is it another server?",
			 server, device->name);
}

static int ask(const struct device *device, struct enbd_client *client,
	       const char *name, const struct enbd_client_opts *opts,
	       struct enbd_export *export, struct enbd_err *err)
{
	struct enbd_nego *nego = &client->nego;
	struct enbd_hello hello = { 0 };
	bool known = false;

	if (enbd_nego_formats(nego, opts->limit, err))
		return -1;
	if (device->features && enbd_ext_discover(nego, name, &known, err))
		return -1;
	if (known && enbd_ext_hello(nego, name, opts->features, &hello, err))
		return -1;
	if (check_identity(device, client->server, &hello, err))
		return -1;
	return enbd_nego_info(nego, name, export, err);
}

static int ask_on(const struct device *device,
		  const struct runstate_channel *way,
		  const struct enbd_client_opts *opts,
		  struct enbd_export *export, struct enbd_err *err)
{
	struct enbd_client_opts own = *opts;
	struct enbd_client client;
	struct enbd_bind bind;
	struct enbd_uri uri;
	int rc;

	if (enbd_uri_parse(way->uri, &uri, err))
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "/dev/%s: the driver keeps no URI that could be asked (\"%s\")",
				 device->name, way->uri);
	if (way->bind[0]) {
		if (enbd_bind_parse(way->bind, &bind, err))
			return -1;
		own.bind = &bind;
	}
	if (enbd_client_open(&client, &uri, &own, err))
		return -1;
	rc = ask(device, &client, uri.export, &own, export, err);
	enbd_client_close(&client);
	return rc ? -1 : enbd_export_check(export, uri.text, uri.export, err);
}

int ask_device(const struct device *device, const struct enbd_client_opts *opts,
	       struct enbd_export *export, struct enbd_err *err)
{
	struct runstate *state = calloc(1, sizeof(*state));
	struct enbd_err other;
	unsigned int i, count;
	int rc = -1;

	if (!state)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "out of memory");
	if (runstate_read(device->name, state, &other))
		memset(state, 0, sizeof(*state));
	count = find_ways(device, state->channels);
	for (i = 0; i < count && rc; i++) {
		rc = ask_on(device, &state->channels[i], opts, export,
			    i ? &other : err);
		if (rc && i && other.code == ENBD_EXIT_IDENTITY)
			*err = other;
		if (rc && err->code == ENBD_EXIT_IDENTITY)
			break;
	}
	free(state);
	return rc;
}
