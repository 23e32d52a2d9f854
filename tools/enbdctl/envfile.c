// SPDX-License-Identifier: GPL-2.0
#include "envfile.h"

#include <stdio.h>
#include <string.h>

#include "runstate.h"

#define KEY	"ID_ENBD_SIGNATURE="

/* With a signature it has this one line, else none. */
#define LINE_LEN	(sizeof(KEY) - 1 + ENBD_SIGNATURE_DIGEST)

static void file_name(char file[ENBD_NAME_MAX + 8], const char *name)
{
	snprintf(file, ENBD_NAME_MAX + 8, "%s.env", name);
}

int envfile_write(const char *name, const struct enbd_hello *hello,
		  struct enbd_err *err)
{
	char file[ENBD_NAME_MAX + 8], text[LINE_LEN + 1] = "";
	char digest[ENBD_SIGNATURE_DIGEST];

	if (hello->features)
		snprintf(text, sizeof(text), KEY "%s\n",
			 enbd_signature_digest(hello->signature, digest));
	file_name(file, name);
	return runstate_put(file, text, strlen(text), err);
}

int envfile_digest(const char *name, char digest[ENBD_SIGNATURE_DIGEST])
{
	static const char digits[] = "0123456789abcdef";
	char file[ENBD_NAME_MAX + 8], text[LINE_LEN];

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
