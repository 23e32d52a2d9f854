// SPDX-License-Identifier: GPL-2.0
#include "devname.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The letters behind "nd". Return: 0, or -1 if they are none. */
static int letters(const char *s, uint32_t *index)
{
	uint64_t value = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < 'a' || *s > 'z')
			return -1;
		value = value * 26 + (uint64_t)(*s - 'a') + 1;
		if (value - 1 > INT32_MAX)
			return -1;
	}
	*index = (uint32_t)(value - 1);
	return 0;
}

int devname_index(const char *text, uint32_t *index, struct enbd_err *err)
{
	char resolved[PATH_MAX];
	const char *name = text;

	/* Links such as /dev/nd/by-export/... lead to the node. */
	if (!strncmp(text, "/dev/nd/", 8)) {
		if (!realpath(text, resolved))
			return enbd_fail(err, ENBD_EXIT_NOT_CONNECTED,
					 "%s: leads to no device: %s", text,
					 strerror(errno));
		name = resolved;
	}
	if (!strncmp(name, "/dev/", 5))
		name += 5;
	if (!strncmp(name, "nd", 2) && !letters(name + 2, index))
		return 0;
	return enbd_fail(err, ENBD_EXIT_USAGE,
			 "%s: not the name of a device; write nda to ndz, ndaa and so on, with or without /dev/",
			 text);
}

char *devname_format(uint32_t index, char name[ENBD_NAME_MAX])
{
	char reversed[ENBD_NAME_MAX];
	uint64_t value = (uint64_t)index + 1;
	unsigned int count = 0, i;

	for (; value; value = (value - 1) / 26)
		reversed[count++] = (char)('a' + (value - 1) % 26);
	strcpy(name, "nd");
	for (i = 0; i < count; i++)
		name[2 + i] = reversed[count - 1 - i];
	name[2 + count] = '\0';
	return name;
}
