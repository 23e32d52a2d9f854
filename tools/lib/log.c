// SPDX-License-Identifier: GPL-2.0
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static const char *name;

void enbd_log_init(const char *program)
{
	name = program;
}

static void line(const char *kind, const char *fmt, va_list args)
{
	const int saved = errno;
	char raw[2048], out[sizeof(raw) + 2];
	size_t len;
	int n;

	n = snprintf(raw, sizeof(raw), "%s: %s",
		     name ? name : program_invocation_short_name, kind);
	if (n >= 0 && (size_t)n < sizeof(raw))
		vsnprintf(raw + n, sizeof(raw) - (size_t)n, fmt, args);
	enbd_text_clean(out, sizeof(out) - 1, raw, strlen(raw));
	len = strlen(out);
	out[len++] = '\n';
	/* Nobody is left to hear that stderr cannot be written to. */
	if (write(STDERR_FILENO, out, len) < 0)
		errno = saved;
	errno = saved;
}

void enbd_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("", fmt, args);
	va_end(args);
}

void enbd_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("", fmt, args);
	va_end(args);
}

void enbd_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("note: ", fmt, args);
	va_end(args);
}
