// SPDX-License-Identifier: GPL-2.0
#include "runstate_json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "json.h"
#include "signature.h"
#include "uri.h"

#define VERSION		1

char *runstate_format(const struct runstate *s)
{
	char session[2 * ENBD_SESSION_ID_LEN + 1], *text;
	cJSON *root = cJSON_CreateObject(), *array, *o;
	unsigned int i;

	enbd_json_u64(root, "version", VERSION);
	enbd_json_text(root, "session", enbd_hex(session, sizeof(session),
						 s->session,
						 sizeof(s->session)));
	enbd_json_u64(root, "handshake_timeout_ms", s->timeout_ms);
	enbd_json_u64(root, "reply_format", s->limit);
	array = cJSON_AddArrayToObject(root, "channels");
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		if (!s->channels[i].uri[0])
			continue;
		o = cJSON_CreateObject();
		enbd_json_u64(o, "index", i);
		enbd_json_text(o, "uri", s->channels[i].uri);
		if (s->channels[i].bind[0])
			enbd_json_text(o, "bind", s->channels[i].bind);
		cJSON_AddItemToArray(array, o);
	}
	text = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	return text;
}

/* A whole number between limits. Return: 0 or -1. */
static int number(const cJSON *object, const char *key, uint32_t min,
		  uint32_t max, uint32_t *value)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!cJSON_IsNumber(item) ||
	    !(item->valuedouble >= min && item->valuedouble <= max))
		return -1;
	*value = (uint32_t)item->valuedouble;
	return *value == item->valuedouble ? 0 : -1;
}

/* A string that fits. Return: 0 or -1. */
static int string(const cJSON *object, const char *key, char *dst, size_t size)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!cJSON_IsString(item) || strlen(item->valuestring) >= size)
		return -1;
	strcpy(dst, item->valuestring);
	return 0;
}

static const char *parse_channel(const cJSON *o, struct runstate *s)
{
	struct runstate_channel *c;
	struct enbd_uri uri;
	struct enbd_err err;
	uint32_t index;

	if (number(o, "index", 0, ENBD_MAX_CHANNELS - 1, &index))
		return "a channel without a place";
	c = &s->channels[index];
	if (c->uri[0])
		return "two channels in one place";
	if (string(o, "uri", c->uri, sizeof(c->uri)) ||
	    enbd_uri_parse(c->uri, &uri, &err) || strcmp(uri.text, c->uri))
		return "a channel without a URI";
	if (cJSON_GetObjectItemCaseSensitive(o, "bind") &&
	    string(o, "bind", c->bind, sizeof(c->bind)))
		return "a channel's way out is no text, or too long";
	return NULL;
}

static const char *parse_root(const cJSON *root, struct runstate *s)
{
	char session[2 * ENBD_SESSION_ID_LEN + 1];
	const cJSON *array, *o;
	const char *wrong;
	uint32_t version;

	if (number(root, "version", VERSION, VERSION, &version))
		return "not of a version that this program knows";
	if (string(root, "session", session, sizeof(session)) ||
	    enbd_unhex(session, s->session, sizeof(s->session)))
		return "the session is missing";
	if (number(root, "handshake_timeout_ms", 1, UINT32_MAX,
		   &s->timeout_ms) ||
	    number(root, "reply_format", 0, ENBD_REPLY_FORMAT_EXTENDED,
		   &s->limit))
		return "the options of the handshake are missing";
	array = cJSON_GetObjectItemCaseSensitive(root, "channels");
	if (!cJSON_IsArray(array))
		return "the channels are missing";
	cJSON_ArrayForEach(o, array) {
		wrong = parse_channel(o, s);
		if (wrong)
			return wrong;
	}
	return NULL;
}

const char *runstate_parse(const char *text, size_t len, struct runstate *s)
{
	const char *wrong;
	cJSON *root;

	memset(s, 0, sizeof(*s));
	root = cJSON_ParseWithLength(text, len);
	if (!root)
		return "not JSON";
	wrong = parse_root(root, s);
	cJSON_Delete(root);
	return wrong;
}
