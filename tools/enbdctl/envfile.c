// SPDX-License-Identifier: GPL-2.0
#include "envfile.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runstate.h"

#define KEY	"ID_ENBD_SIGNATURE="
#define SUFFIX	".env"

/* With a signature it has this one line, else none. */
#define LINE_LEN	(sizeof(KEY) - 1 + ENBD_SIGNATURE_DIGEST)

#define FILE_MAX	(ENBD_NAME_MAX + 32)

/* The number that no other disk has since the machine was started, 0 for none */
static uint64_t sequence(const char *name)
{
	uint64_t number;
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/diskseq", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &number) != 1)
		number = 0;
	fclose(f);
	return number;
}

static void file_name(char file[FILE_MAX], const char *name)
{
	snprintf(file, FILE_MAX, "%s-%" PRIu64 SUFFIX, name, sequence(name));
}

int envfile_write(const char *name, const struct enbd_hello *hello,
		  struct enbd_err *err)
{
	char file[FILE_MAX], text[LINE_LEN + 1] = "";
	char digest[ENBD_SIGNATURE_DIGEST];

	envfile_sweep(name);
	if (hello->features)
		snprintf(text, sizeof(text), KEY "%s\n",
			 enbd_signature_digest(hello->signature, digest));
	file_name(file, name);
	return runstate_put(file, text, strlen(text), err);
}

int envfile_digest(const char *name, char digest[ENBD_SIGNATURE_DIGEST])
{
	static const char digits[] = "0123456789abcdef";
	char file[FILE_MAX], text[LINE_LEN];

	file_name(file, name);
	if (!runstate_get(file, text, 0))
		return 0;
	if (runstate_get(file, text, sizeof(text)) ||
	    memcmp(text, KEY, sizeof(KEY) - 1) || text[LINE_LEN - 1] != '\n')
		return -1;
	memcpy(digest, text + sizeof(KEY) - 1, ENBD_SIGNATURE_DIGEST - 1);
	digest[ENBD_SIGNATURE_DIGEST - 1] = '\0';
	return strspn(digest, digits) == ENBD_SIGNATURE_DIGEST - 1 ? 1 : -1;
}

/* Is it one of disks of that name? */
static bool is_of(const char *file, const char *name)
{
	const size_t len = strlen(name);
	size_t digits;

	if (strncmp(file, name, len) || file[len] != '-')
		return false;
	digits = strspn(file + len + 1, "0123456789");
	return digits && !strcmp(file + len + 1 + digits, SUFFIX);
}

void envfile_sweep(const char *name)
{
	DIR *dir = opendir(runstate_dir());
	char current[FILE_MAX] = "";
	struct dirent *entry;

	/* The disk may come while we look: its number is asked for each time. */
	while (dir && (entry = readdir(dir))) {
		if (!is_of(entry->d_name, name))
			continue;
		if (sequence(name))
			file_name(current, name);
		if (strcmp(entry->d_name, current))
			runstate_drop(entry->d_name);
	}
	if (dir)
		closedir(dir);
}
