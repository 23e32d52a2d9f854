// SPDX-License-Identifier: GPL-2.0
#include "inifile.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "size.h"

#define LINE_SIZE	8192

int enbd_ini_bad(struct enbd_ini *ini, const char *what, const char *why)
{
	if (!ini->failed)
		enbd_fail(ini->err, ENBD_EXIT_USAGE, "%s:%u: %s: %s",
			  ini->path, ini->line, what, why);
	ini->failed = true;
	return -1;
}

int enbd_ini_no_memory(struct enbd_ini *ini)
{
	if (!ini->failed)
		enbd_fail(ini->err, ENBD_EXIT_GENERAL, "%s: %s", ini->path,
			  strerror(ENOMEM));
	ini->failed = true;
	return -1;
}

static int unknown_section(struct enbd_ini *ini, const char *name,
			   const char *why)
{
	char text[160];

	snprintf(text, sizeof(text), why, ini->ops->sections);
	return enbd_ini_bad(ini, name, text);
}

/* libinih itself does not tell of sections without keys. */
static int begin_section(struct enbd_ini *ini, char *name)
{
	char *end = strchr(name, ']');

	if (!end) {
		name[strcspn(name, "\r\n")] = '\0';
		return unknown_section(ini, name,
				       "section without end; write %s");
	}
	*end = '\0';
	ini->in_section = true;
	return ini->ops->section(ini, name);
}

/* fgets() that counts lines, and sees those that libinih would cut */
static char *read_line(char *buf, int size, void *ctx)
{
	struct enbd_ini *ini = ctx;
	char *text = NULL, *start;
	size_t room = 0;
	ssize_t len;

	if (ini->failed)
		return NULL;
	len = getline(&text, &room, ini->stream);
	if (len < 0) {
		free(text);
		return NULL;
	}
	ini->line++;
	if (len >= size || strlen(text) != (size_t)len) {
		enbd_ini_bad(ini, "line", len >= size ?
			     "too long; use shorter values" :
			     "has a NUL byte; remove it");
		free(text);
		return NULL;
	}
	memcpy(buf, text, (size_t)len + 1);
	start = text + strspn(text, " \t");
	if (*start == '[' && begin_section(ini, start + 1))
		ini->failed = true;
	free(text);
	return ini->failed ? NULL : buf;
}

/* ini_handler: 1 is good */
static int handle_key(void *ctx, const char *section, const char *key,
		      const char *value)
{
	struct enbd_ini *ini = ctx;

	(void)section;	/* may be cut; begin_section() has seen all of it */
	if (ini->failed)
		return 0;
	if (!ini->in_section)
		unknown_section(ini, key, "outside of a section; begin with %s");
	else if (ini->ops->key(ini, key, value))
		ini->failed = true;
	return !ini->failed;
}

int enbd_ini_read(struct enbd_ini *ini, FILE *stream,
		  const struct enbd_ini_ops *ops)
{
	int line;

	ini->stream = stream;
	ini->ops = ops;
	/* Variables of the library: long values, and one line is one line */
	ini_use_stack = false;
	ini_initial_alloc = LINE_SIZE;
	ini_max_line = LINE_SIZE;
	ini_allow_multiline = false;
	errno = 0;
	line = ini_parse_stream(read_line, ini, handle_key, ini);
	if (!ini->failed && line > 0) {
		ini->line = (unsigned int)line;
		enbd_ini_bad(ini, "line", "not understood; write KEY=VALUE");
	} else if (!ini->failed && (line < 0 || ferror(stream))) {
		enbd_fail(ini->err, ENBD_EXIT_GENERAL, "%s: cannot read: %s",
			  ini->path, strerror(line < 0 ? ENOMEM : errno));
		ini->failed = true;
	}
	return ini->failed ? -1 : 0;
}

int enbd_ini_number(struct enbd_ini *ini, const char *key, const char *value,
		    uint32_t min, uint32_t max, uint32_t *to)
{
	char why[80];

	if (!enbd_parse_u32(value, min, max, to))
		return 0;
	snprintf(why, sizeof(why), "not a number from %u to %u", min, max);
	return enbd_ini_bad(ini, key, why);
}

int enbd_ini_bool(struct enbd_ini *ini, const char *key, const char *value,
		  bool *to)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	unsigned int i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcasecmp(value, yes[i]) || !strcasecmp(value, no[i])) {
			*to = !strcasecmp(value, yes[i]);
			return 0;
		}
	}
	return enbd_ini_bad(ini, key, "neither yes nor no");
}

int enbd_ini_seconds(struct enbd_ini *ini, const char *key, const char *value,
		     uint32_t *ms)
{
	if (!enbd_parse_seconds(value, ms))
		return 0;
	return enbd_ini_bad(ini, key, "not a time in seconds, such as 30 or 0.5");
}
