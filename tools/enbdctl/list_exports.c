// SPDX-License-Identifier: GPL-2.0
/* enbdctl list-exports: what a server has to offer. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "verb.h"

enum {
	KEY_JSON = 'j',
};

struct arguments {
	const char *uri[1];
	bool json;
	struct dial dial;
};

static int print_one(void *arg, const char *name, const char *description,
		     struct enbd_err *err)
{
	char clean[ENBD_MAX_STRING + 1];

	(void)arg;
	(void)err;
	enbd_text_clean(clean, sizeof(clean), name, strlen(name));
	printf("%s", clean);
	enbd_text_clean(clean, sizeof(clean), description,
			strlen(description));
	printf("%s%s\n", clean[0] ? "\t" : "", clean);
	return 0;
}

static int collect_one(void *arg, const char *name, const char *description,
		       struct enbd_err *err)
{
	cJSON *o = cJSON_CreateObject();

	(void)err;
	enbd_json_text(o, "name", name);
	enbd_json_text(o, "description", description);
	cJSON_AddItemToArray(arg, o);
	return 0;
}

static int list(struct arguments *args, struct enbd_err *err)
{
	struct enbd_client client;
	cJSON *root, *array;
	int rc;

	if (enbd_uri_parse(args->uri[0], &args->dial.uri, err) ||
	    enbd_client_open(&client, &args->dial.uri, &args->dial.client,
			     err))
		return -1;
	if (args->json) {
		root = cJSON_CreateObject();
		enbd_json_text(root, "server", client.server);
		array = cJSON_AddArrayToObject(root, "exports");
		rc = enbd_nego_list(&client.nego, collect_one, array, err);
		if (rc)
			cJSON_Delete(root);
		else
			enbd_json_print(root);
	} else {
		rc = enbd_nego_list(&client.nego, print_one, NULL, err);
	}
	enbd_client_close(&client);
	return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->dial;
		return 0;
	case KEY_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		verb_argument(state, args->uri, 1, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		verb_usage(state, "the URI of a server is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_list_exports(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", KEY_JSON, NULL, 0, "For programs", 0 },
		{ 0 }
	};
	static const struct argp_child children[] = {
		{ &verb_timeout_argp, 0, NULL, 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "URI",
		.doc = "Print the names of a server's exports, one a line, and what they are after a tab.",
		.children = children,
	};
	struct arguments args = { .json = false };
	struct enbd_err err;

	dial_init(&args.dial);
	verb_parse(&argp, argc, argv, &args);
	return list(&args, &err) ? verb_failed(&err) : ENBD_EXIT_OK;
}
