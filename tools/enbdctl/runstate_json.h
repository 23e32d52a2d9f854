/* SPDX-License-Identifier: GPL-2.0 */
/* The text of a file of runstate.h. No files. */
#ifndef ENBDCTL_RUNSTATE_JSON_H
#define ENBDCTL_RUNSTATE_JSON_H

#include <stddef.h>

#include "runstate.h"

/* Nothing that is written is longer: 64 channels, escaped. */
#define RUNSTATE_TEXT_MAX	(1024 * 1024)

/* The text, to be freed; NULL without memory */
char *runstate_format(const struct runstate *state);

/**
 * runstate_parse() - read the text
 * @text: any bytes
 * @len: how many
 * @state: receives it
 *
 * Return: NULL, or what is wrong with it.
 */
const char *runstate_parse(const char *text, size_t len,
			   struct runstate *state);

#endif /* ENBDCTL_RUNSTATE_JSON_H */
