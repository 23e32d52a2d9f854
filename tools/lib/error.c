// SPDX-License-Identifier: GPL-2.0
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int enbd_fail(struct enbd_err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	/* The arguments may point into the text that is replaced. */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	err->error = 0;
	return -1;
}

int enbd_fail_prefix(struct enbd_err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	strncat(text, ": ", sizeof(text) - strlen(text) - 1);
	strncat(text, err->text, sizeof(text) - strlen(text) - 1);
	memcpy(err->text, text, sizeof(text));
	return -1;
}
