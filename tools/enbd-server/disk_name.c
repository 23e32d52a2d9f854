// SPDX-License-Identifier: GPL-2.0
#include "disk_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The first line of a file of sysfs, without blanks at its ends; "" if none */
static void read_line(const char *folder, const char *file, char *line,
		      size_t size)
{
	char path[300];
	size_t len;
	FILE *stream;

	line[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >=
	    (int)sizeof(path))
		return;
	stream = fopen(path, "re");
	if (!stream)
		return;
	if (!fgets(line, (int)size, stream))
		line[0] = '\0';
	fclose(stream);
	len = strlen(line);
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	len = strspn(line, " ");
	memmove(line, line + len, strlen(line + len) + 1);
}

bool disk_name(const char *sysfs, char *name, size_t size)
{
	/* Device mapper, NVMe, SCSI and ATA, md, virtio */
	static const char *const files[] = {
		"dm/uuid", "wwid", "device/wwid", "md/uuid", "serial",
	};
	char text[200], number[32], start[32], disk[300];
	unsigned int i;
	int n;

	read_line(sysfs, "partition", number, sizeof(number));
	read_line(sysfs, "start", start, sizeof(start));
	n = snprintf(disk, sizeof(disk), "%s%s", sysfs, *number ? "/.." : "");
	if (n < 0 || n >= (int)sizeof(disk))
		return false;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		read_line(disk, files[i], text, sizeof(text));
		if (!*text)
			continue;
		/* A partition is a place on its disk. */
		n = snprintf(name, size, "%s %s partition %s at %s", files[i],
			     text, number, start);
		return n > 0 && (size_t)n < size;
	}
	return false;
}
