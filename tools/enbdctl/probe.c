// SPDX-License-Identifier: GPL-2.0
/* enbdctl probe: what a server says about an export. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "features.h"
#include "json.h"
#include "netlink_tables.h"
#include "signature.h"
#include "size.h"
#include "text.h"
#include "verb.h"

/* What was found out */
struct finding {
	struct enbd_uri uri;
	struct enbd_client_opts opts;
	struct enbd_export export;
	bool extension;
	struct enbd_hello hello;
	bool structured;
	bool extended;
	char server[NI_MAXHOST + 16];
	char name[ENBD_MAX_STRING + 1];
	char description[ENBD_MAX_STRING + 1];
};

static const struct {
	uint16_t flag;
	const char *name;
} flags[] = {
	{ ENBD_FLAG_READ_ONLY, "read-only" },
	{ ENBD_FLAG_SEND_FLUSH, "flush" },
	{ ENBD_FLAG_SEND_FUA, "fua" },
	{ ENBD_FLAG_ROTATIONAL, "rotational" },
	{ ENBD_FLAG_SEND_TRIM, "trim" },
	{ ENBD_FLAG_SEND_WRITE_ZEROES, "write-zeroes" },
	{ ENBD_FLAG_SEND_FAST_ZERO, "fast-zero" },
	{ ENBD_FLAG_SEND_DF, "df" },
	{ ENBD_FLAG_CAN_MULTI_CONN, "multi-conn" },
	{ ENBD_FLAG_SEND_RESIZE, "resize" },
	{ ENBD_FLAG_SEND_CACHE, "cache" },
	{ ENBD_FLAG_BLOCK_STAT_PAYLOAD, "block-status-payload" },
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

/* A connection that settles at most @limit. Return: 0 or -1. */
static int settle(const struct finding *f, enum enbd_reply_format limit,
		  struct enbd_client *client, struct enbd_err *err)
{
	if (enbd_client_open(client, &f->uri, &f->opts, err))
		return -1;
	if (!enbd_nego_formats(&client->nego, limit, err))
		return 0;
	enbd_client_close(client);
	return -1;
}

static int ask(struct finding *f, struct enbd_nego *nego, struct enbd_err *err)
{
	const char *export = f->uri.export;

	if (enbd_ext_discover(nego, export, &f->extension, err))
		return -1;
	if (f->extension && enbd_ext_hello(nego, export, f->opts.features,
					   &f->hello, err))
		return -1;
	return enbd_nego_info(nego, export, &f->export, err);
}

static int find(struct finding *f, struct enbd_err *err)
{
	struct enbd_client client;
	int rc;

	if (settle(f, ENBD_REPLY_FORMAT_EXTENDED, &client, err))
		return -1;
	f->extended = client.nego.format == ENBD_REPLY_FORMAT_EXTENDED;
	f->structured = client.nego.format == ENBD_REPLY_FORMAT_STRUCTURED;
	rc = ask(f, &client.nego, err);
	strcpy(f->server, client.server);
	strcpy(f->name, client.nego.name);
	strcpy(f->description, client.nego.description);
	enbd_client_close(&client);
	if (rc || !f->extended)
		return rc;
	/* One excludes the other on a connection. */
	if (settle(f, ENBD_REPLY_FORMAT_STRUCTURED, &client, err))
		return -1;
	f->structured = client.nego.format == ENBD_REPLY_FORMAT_STRUCTURED;
	enbd_client_close(&client);
	return 0;
}

static void print_extension(const struct finding *f)
{
	char text[ENBD_SIGNATURE_TEXT], words[FEATURES_TEXT_MAX];

	if (!f->extension) {
		printf("Extension:     none: no signature, no fencing\n");
		return;
	}
	printf("Extension:     %s\n",
	       features_text(words, f->hello.features));
	printf("Signature:     %s\n",
	       enbd_hex(text, sizeof(text), f->hello.signature,
			sizeof(f->hello.signature)));
	if (f->hello.features & ENBD_FEATURE_VERIFIER)
		printf("Verifier:      %s\n",
		       enbd_hex(text, sizeof(text), f->hello.verifier,
				sizeof(f->hello.verifier)));
}

static void print(const struct finding *f)
{
	const struct enbd_export *e = &f->export;
	char size[24], max[24], text[ENBD_MAX_STRING + 1];
	size_t i;

	printf("Server:        %s\n", f->server);
	enbd_text_clean(text, sizeof(text), f->uri.export,
			strlen(f->uri.export));
	printf("Export:        \"%s\"\n", text);
	enbd_text_clean(text, sizeof(text), f->name, strlen(f->name));
	if (text[0] && strcmp(f->name, f->uri.export))
		printf("Called there:  \"%s\"\n", text);
	enbd_text_clean(text, sizeof(text), f->description,
			strlen(f->description));
	if (text[0])
		printf("Description:   %s\n", text);
	printf("Size:          %" PRIu64 " (%s)\n", e->size,
	       enbd_format_size(size, sizeof(size), e->size));
	printf("Access:        %s\n", e->flags & ENBD_FLAG_READ_ONLY ?
	       "read-only" : "read-write");
	printf("Block sizes:   %u smallest, %u preferred, %s largest%s\n",
	       e->block_min, e->block_pref, e->block_max == UINT32_MAX ?
	       "unlimited" : enbd_format_size(max, sizeof(max), e->block_max),
	       e->block_sizes ? "" : " (assumed, the server names none)");
	printf("Flags:        ");
	for (i = 0; i < FLAG_COUNT; i++)
		if (e->flags & flags[i].flag)
			printf(" %s", flags[i].name);
	printf("\nChannels:      %s\n", e->flags & ENBD_FLAG_CAN_MULTI_CONN ?
	       "several at once" : "one at a time");
	printf("Reply formats: simple%s%s\n",
	       f->structured ? " structured" : "",
	       f->extended ? " extended" : "");
	print_extension(f);
}

static void add_word(cJSON *array, const char *word)
{
	cJSON_AddItemToArray(array, cJSON_CreateString(word));
}

static void print_json(const struct finding *f)
{
	const struct enbd_export *e = &f->export;
	cJSON *o = cJSON_CreateObject(), *array;
	char text[ENBD_SIGNATURE_TEXT];
	size_t i;

	enbd_json_text(o, "uri", f->uri.text);
	enbd_json_text(o, "server", f->server);
	enbd_json_text(o, "export", f->uri.export);
	enbd_json_text(o, "name", f->name);
	enbd_json_text(o, "description", f->description);
	enbd_json_u64(o, "size", e->size);
	cJSON_AddBoolToObject(o, "read_only", e->flags & ENBD_FLAG_READ_ONLY);
	cJSON_AddBoolToObject(o, "multi_conn",
			      e->flags & ENBD_FLAG_CAN_MULTI_CONN);
	enbd_json_u64(o, "block_min", e->block_min);
	enbd_json_u64(o, "block_pref", e->block_pref);
	enbd_json_u64(o, "block_max", e->block_max);
	cJSON_AddBoolToObject(o, "block_sizes_given", e->block_sizes);
	array = cJSON_AddArrayToObject(o, "flags");
	for (i = 0; i < FLAG_COUNT; i++)
		if (e->flags & flags[i].flag)
			add_word(array, flags[i].name);
	array = cJSON_AddArrayToObject(o, "reply_formats");
	add_word(array, "simple");
	if (f->structured)
		add_word(array, "structured");
	if (f->extended)
		add_word(array, "extended");
	cJSON_AddBoolToObject(o, "extension", f->extension);
	cJSON_AddItemToObject(o, "features",
			      features_json(f->hello.features));
	if (f->extension)
		enbd_json_text(o, "signature",
			       enbd_hex(text, sizeof(text), f->hello.signature,
					sizeof(f->hello.signature)));
	if (f->hello.features & ENBD_FEATURE_VERIFIER)
		enbd_json_text(o, "verifier",
			       enbd_hex(text, sizeof(text), f->hello.verifier,
					sizeof(f->hello.verifier)));
	enbd_json_print(o);
}

int verb_probe(int argc, char **argv)
{
	static const struct verb_spec spec = {
		.args_doc = "URI",
		.doc = "Print what a server says about an export.",
		.min = 1, .max = 1,
		.missing = "the URI of an export is missing",
		.json = true, .more = &verb_timeout_argp,
	};
	static struct finding finding;
	struct verb_args args;
	struct enbd_err err;

	enbd_client_opts_init(&finding.opts);
	verb_read(&spec, argc, argv, &finding.opts, &args);
	if (enbd_uri_parse(args.arg[0], &finding.uri, &err) ||
	    find(&finding, &err))
		return verb_failed(&err);
	if (args.json)
		print_json(&finding);
	else
		print(&finding);
	return ENBD_EXIT_OK;
}
