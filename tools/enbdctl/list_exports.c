// SPDX-License-Identifier: GPL-2.0
/* enbdctl list-exports: what a server has to offer. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "verb.h"

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

static int list(const char *text, bool json,
		const struct enbd_client_opts *opts, struct enbd_err *err)
{
	struct enbd_client client;
	struct enbd_uri uri;
	cJSON *root, *array;
	int rc;

	if (enbd_uri_parse(text, &uri, err) ||
	    enbd_client_open(&client, &uri, opts, err))
		return -1;
	if (json) {
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

int verb_list_exports(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "URI",
		.doc = "Print the names of a server's exports, one a line, and what they are after a tab.",
		.min = 1, .max = 1,
		.missing = "the URI of a server is missing",
		.json = true, .more = &verb_timeout_argp,
	};
	struct enbd_client_opts opts;
	struct verb_args args;
	struct enbd_err err;

	enbd_client_opts_init(&opts);
	verb_read(&spec, argc, argv, &opts, &args);
	return list(args.arg[0], args.json, &opts, &err) ? verb_failed(&err) :
	       ENBD_EXIT_OK;
}
