// SPDX-License-Identifier: GPL-2.0
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "devname.h"
#include "inifile.h"
#include "signature.h"
#include "verb.h"

#define SECTION		"device"
#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyz" \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"

/* The driver says no to what is beyond its own limits. */
#define MAX_TUNING	65536

/* While a file is read */
struct reading {
	struct conf *conf;
	struct conf_device *device;
};

void conf_init(struct conf *conf)
{
	conf->devices = NULL;
	conf->last = &conf->devices;
}

void conf_free(struct conf *conf)
{
	struct conf_device *d;

	while ((d = conf->devices)) {
		conf->devices = d->next;
		while (d->bind_count)
			free(d->binds[--d->bind_count]);
		if (d->secret)
			explicit_bzero(d->secret, strlen(d->secret));
		free(d->secret);
		free(d->name);
		free(d);
	}
	conf->last = &conf->devices;
}

struct conf_device *conf_find(const struct conf *conf, const char *name)
{
	struct conf_device *d;

	for (d = conf->devices; d; d = d->next)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

/* An error of another module's, which has no place in the file yet */
static int bad_value(struct enbd_ini *ini, const char *key)
{
	enbd_fail_prefix(ini->err, "%s:%u: %s", ini->path, ini->line, key);
	ini->err->code = ENBD_EXIT_USAGE;
	ini->failed = true;
	return -1;
}

static int begin_device(struct enbd_ini *ini, char *name)
{
	struct reading *r = ini->arg;
	struct conf_device *d;
	char why[80];

	if (strncmp(name, SECTION " ", sizeof(SECTION)))
		return enbd_ini_bad(ini, name, "unknown section; write [device NAME]");
	name += strlen(SECTION);
	name += strspn(name, " ");
	if (!*name || strspn(name, NAME_CHARS) != strlen(name) ||
	    *name == '-' || *name == '.' || strlen(name) > CONF_NAME_MAX)
		return enbd_ini_bad(ini, *name ? name : SECTION,
				    "not a name for a device; use up to 64 letters, digits and _ . : -");
	if (conf_find(r->conf, name)) {
		snprintf(why, sizeof(why),
			 "is in line %u already; give each section its own name",
			 conf_find(r->conf, name)->line);
		return enbd_ini_bad(ini, name, why);
	}
	d = calloc(1, sizeof(*d));
	if (d)
		d->name = strdup(name);
	if (!d || !d->name) {
		free(d);
		return enbd_ini_no_memory(ini);
	}
	dial_init(&d->dial);
	verb_tuning_init(&d->options);
	d->line = ini->line;
	*r->conf->last = d;
	r->conf->last = &d->next;
	r->device = d;
	return 0;
}

static int set_uri(struct enbd_ini *ini, struct conf_device *d,
		   const char *key, const char *value)
{
	int rc;

	/* The first one names the export; a host alone is a mistake there. */
	if (d->dial.path_count)
		rc = dial_add_path(&d->dial, value, ini->err);
	else
		rc = enbd_uri_parse(value, &d->dial.paths[0], ini->err);
	if (rc)
		return bad_value(ini, key);
	if (!d->dial.path_count)
		d->dial.path_count = 1;
	return 0;
}

static int set_device(struct enbd_ini *ini, struct conf_device *d,
		      const char *key, const char *value)
{
	uint32_t index;

	/* A link may lead elsewhere tomorrow. */
	if (strchr(strncmp(value, "/dev/", 5) ? value : value + 5, '/'))
		return enbd_ini_bad(ini, key, "not a name such as nda");
	if (devname_index(value, &index, ini->err))
		return bad_value(ini, key);
	devname_format(index, d->device);
	return 0;
}

static int set_bind(struct enbd_ini *ini, struct conf_device *d,
		    const char *key, const char *value)
{
	char *text;

	if (d->bind_count == ENBD_MAX_CHANNELS)
		return enbd_ini_bad(ini, key, "more of them than channels; remove some");
	text = strdup(value);
	if (!text)
		return enbd_ini_no_memory(ini);
	d->binds[d->bind_count++] = text;
	return dial_add_bind(&d->dial, text, ini->err) ? bad_value(ini, key) : 0;
}

static int set_channels(struct enbd_ini *ini, struct conf_device *d,
			const char *key, const char *value)
{
	return enbd_ini_number(ini, key, value, 1, ENBD_MAX_CHANNELS,
			       &d->dial.channels);
}

static int set_read_only(struct enbd_ini *ini, struct conf_device *d,
			 const char *key, const char *value)
{
	return enbd_ini_bool(ini, key, value, &d->options.read_only);
}

static int set_queue_depth(struct enbd_ini *ini, struct conf_device *d,
			   const char *key, const char *value)
{
	return enbd_ini_number(ini, key, value, 1, MAX_TUNING,
			       &d->options.queue_depth);
}

static int set_hw_queues(struct enbd_ini *ini, struct conf_device *d,
			 const char *key, const char *value)
{
	return enbd_ini_number(ini, key, value, 1, MAX_TUNING,
			       &d->options.hw_queues);
}

static int set_ms(struct enbd_ini *ini, const char *key, const char *value,
		  int64_t *to)
{
	uint32_t ms;

	if (enbd_ini_seconds(ini, key, value, &ms))
		return -1;
	*to = ms;
	return 0;
}

static int set_io_timeout(struct enbd_ini *ini, struct conf_device *d,
			  const char *key, const char *value)
{
	return set_ms(ini, key, value, &d->options.io_timeout);
}

static int set_dead_timeout(struct enbd_ini *ini, struct conf_device *d,
			    const char *key, const char *value)
{
	return set_ms(ini, key, value, &d->options.dead_timeout);
}

static int set_keepalive(struct enbd_ini *ini, struct conf_device *d,
			 const char *key, const char *value)
{
	return set_ms(ini, key, value, &d->options.keepalive);
}

static int set_handshake(struct enbd_ini *ini, struct conf_device *d,
			 const char *key, const char *value)
{
	if (enbd_ini_seconds(ini, key, value, &d->dial.client.timeout_ms))
		return -1;
	if (!d->dial.client.timeout_ms)
		return enbd_ini_bad(ini, key, "must be more than nothing");
	return 0;
}

/* Place of a word in a list that ends with NULL, or -1 */
static int word(const char *const *words, const char *value)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return i;
	return -1;
}

static int set_replay(struct enbd_ini *ini, struct conf_device *d,
		      const char *key, const char *value)
{
	static const char *const words[] = {
		[ENBD_REPLAY_AUTO] = "auto",
		[ENBD_REPLAY_FENCED] = "fenced",
		[ENBD_REPLAY_COMPAT] = "compat",
		NULL
	};

	d->options.replay = word(words, value);
	if (d->options.replay < 0)
		return enbd_ini_bad(ini, key, "not auto, fenced or compat");
	return 0;
}

static int set_format(struct enbd_ini *ini, struct conf_device *d,
		      const char *key, const char *value)
{
	static const char *const words[] = {
		[ENBD_REPLY_FORMAT_SIMPLE] = "simple",
		[ENBD_REPLY_FORMAT_STRUCTURED] = "structured",
		[ENBD_REPLY_FORMAT_EXTENDED] = "extended",
		NULL
	};
	const int format = word(words, value);

	if (format < 0)
		return enbd_ini_bad(ini, key, "not simple, structured or extended");
	d->dial.client.limit = (enum enbd_reply_format)format;
	return 0;
}

static int set_signature(struct enbd_ini *ini, struct conf_device *d,
			 const char *key, const char *value)
{
	if (d->secret)
		return enbd_ini_bad(ini, key, "follows from the secret; leave one of the two out");
	if (enbd_signature_parse(value, d->signature))
		return enbd_ini_bad(ini, key, "not 64 hexadecimal digits; enbdctl probe shows a server's");
	d->dial.signature = d->signature;
	return 0;
}

/* The signature follows once the export is known. */
static int set_secret(struct enbd_ini *ini, struct conf_device *d,
		      const char *key, const char *value)
{
	if (d->dial.signature)
		return enbd_ini_bad(ini, key, "decides the signature; leave one of the two out");
	d->secret = strdup(value);
	return d->secret ? 0 : enbd_ini_no_memory(ini);
}

static const struct key {
	const char *name;
	int (*set)(struct enbd_ini *ini, struct conf_device *d,
		   const char *key, const char *value);
	bool again;	/* may be given several times */
} keys[] = {
	{ "uri", set_uri, true },
	{ "device", set_device, false },
	{ "channels", set_channels, false },
	{ "bind", set_bind, true },
	{ "read-only", set_read_only, false },
	{ "io-timeout", set_io_timeout, false },
	{ "dead-timeout", set_dead_timeout, false },
	{ "keepalive", set_keepalive, false },
	{ "replay", set_replay, false },
	{ "signature", set_signature, false },
	{ "secret", set_secret, false },
	{ "queue-depth", set_queue_depth, false },
	{ "hw-queues", set_hw_queues, false },
	{ "reply-format", set_format, false },
	{ "handshake-timeout", set_handshake, false },
};

static int handle_key(struct enbd_ini *ini, const char *key, const char *value)
{
	struct reading *r = ini->arg;
	struct conf_device *d = r->device;
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, key))
			continue;
		if (!*value)
			return enbd_ini_bad(ini, key, "empty; give it a value");
		if (d->keys & (1u << i) && !keys[i].again)
			return enbd_ini_bad(ini, key, "given twice in this section; remove one");
		d->keys |= 1u << i;
		return keys[i].set(ini, d, key, value);
	}
	return enbd_ini_bad(ini, key, "unknown key; enbd.conf(5) has the list");
}

static bool same_export(const struct enbd_uri *a, const struct enbd_uri *b)
{
	if (a->kind != b->kind || strcmp(a->export, b->export))
		return false;
	if (a->kind == ENBD_URI_UNIX)
		return !strcmp(a->socket, b->socket);
	return !strcasecmp(a->host, b->host) && !strcmp(a->port, b->port);
}

bool conf_has(const struct conf_device *d, const struct enbd_uri *uri)
{
	unsigned int i;

	for (i = 0; i < d->dial.path_count; i++)
		if (same_export(&d->dial.paths[i], uri))
			return true;
	return false;
}

/* What only shows when all is read: whether two sections are in conflict */
static int check_other(struct enbd_ini *ini, const struct conf_device *d,
		       const struct conf_device *other)
{
	char why[128];
	unsigned int i;

	if (d->device[0] && !strcmp(d->device, other->device)) {
		snprintf(why, sizeof(why),
			 "/dev/%s is of the section in line %u already; choose another",
			 d->device, other->line);
		return enbd_ini_bad(ini, d->name, why);
	}
	for (i = 0; i < d->dial.path_count; i++) {
		if (!conf_has(other, &d->dial.paths[i]))
			continue;
		snprintf(why, sizeof(why),
			 "its export is in the section of line %u already; two disks of one export would destroy its data",
			 other->line);
		return enbd_ini_bad(ini, d->name, why);
	}
	return 0;
}

static int check(struct enbd_ini *ini, struct conf *conf)
{
	struct conf_device *d, *other;

	for (d = conf->devices; d; d = d->next) {
		ini->line = d->line;
		if (!d->dial.path_count)
			return enbd_ini_bad(ini, d->name, "has no server; add uri = nbd://HOST/EXPORT");
		if (dial_check(&d->dial, ini->err))
			return bad_value(ini, d->name);
		for (other = conf->devices; other != d; other = other->next)
			if (check_other(ini, d, other))
				return -1;
		if (!d->secret)
			continue;
		if (enbd_signature_derive(d->secret, strlen(d->secret),
					  d->dial.paths[0].export,
					  d->signature))
			return enbd_ini_bad(ini, d->name, "the signature cannot be computed from the secret");
		d->dial.signature = d->signature;
	}
	return 0;
}

int conf_read(struct conf *conf, FILE *stream, const char *path,
	      struct enbd_err *err)
{
	static const struct enbd_ini_ops ops = {
		.section = begin_device,
		.key = handle_key,
		.sections = "[device NAME]",
	};
	struct reading r = { .conf = conf };
	struct enbd_ini ini = { .path = path, .err = err, .arg = &r };

	return enbd_ini_read(&ini, stream, &ops) || check(&ini, conf) ? -1 : 0;
}

int conf_load(struct conf *conf, const char *path, struct enbd_err *err)
{
	FILE *stream;
	int rc;

	if (!path)
		path = CONF_PATH;
	stream = fopen(path, "re");
	if (!stream)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: %s; enbd.conf(5) tells what belongs there",
				 path, strerror(errno));
	rc = conf_read(conf, stream, path, err);
	fclose(stream);
	return rc;
}
