// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a server. The first two choose what the client does. A magic
 * number that must be right is made right half of the time, or nothing would
 * get past the greeting.
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "extension.h"

#define SENT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	struct enbd_transport io;
	const uint8_t *data;
	size_t size;
	size_t sent;
	uint32_t option;
	bool fix;
};

static int source_read(struct enbd_transport *io, void *buf, size_t len)
{
	struct source *s = (struct source *)io;
	struct enbd_opt_reply reply;

	if (s->size < len)
		return -ENODATA;
	memcpy(buf, s->data, len);
	s->data += len;
	s->size -= len;
	if (s->fix && len == sizeof(reply)) {
		memcpy(&reply, buf, len);
		reply.magic = htobe64(ENBD_OPT_REPLY_MAGIC);
		reply.option = s->option;
		memcpy(buf, &reply, len);
	}
	return 0;
}

static int source_write(struct enbd_transport *io, const void *buf, size_t len)
{
	struct source *s = (struct source *)io;

	if (len >= sizeof(struct enbd_opt_request))
		memcpy(&s->option, (const uint8_t *)buf + 8, 4);
	s->sent += len;
	if (s->sent > SENT_MAX)
		abort();
	return 0;
}

static int each(void *arg, const char *name, const char *description,
		struct enbd_err *err)
{
	(void)err;
	*(size_t *)arg += strlen(name) + strlen(description);
	return 0;
}

static int greet(struct enbd_nego *nego, struct source *source, bool fixed,
		 struct enbd_err *err)
{
	static const uint8_t good[] = "NBDMAGICIHAVEOPT\0\3";
	struct source known = {
		.io = { source_read, source_write }, .data = good, .size = 18,
	};
	int rc;

	if (!fixed)
		return enbd_nego_greet(nego, &source->io, "s", 1000, err);
	rc = enbd_nego_greet(nego, &known.io, "s", 1000, err);
	nego->io = &source->io;
	return rc;
}

/* HELLO, BIND and FENCE; @ext says with what. */
static int extend(struct enbd_nego *nego, uint8_t ext,
		  struct enbd_hello *hello, struct enbd_err *err)
{
	static const struct enbd_fenced list[ENBD_EXT_MAX_CHANNELS];
	static const struct enbd_place place = { .incarnation = 1 };

	if (enbd_ext_hello(nego, "disk", ext & 15, hello, err))
		return -1;
	if (hello->features & ~(ext & 15U))
		abort();
	if ((ext & 0x10) && enbd_ext_bind(nego, hello, &place, err))
		return -1;
	return ext & 0x20 ? enbd_ext_fence(nego, list, 1 + (ext >> 6) * 21,
					   err) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct enbd_nego nego;
	struct enbd_export export;
	struct source source;
	struct enbd_err err;
	struct enbd_hello hello;
	uint8_t how, ext;
	bool known;
	size_t sum = 0;
	int rc;

	if (size < 2)
		return 0;
	how = data[0];
	ext = data[1];
	source = (struct source){
		.io = { source_read, source_write },
		.data = data + 2, .size = size - 2, .fix = how & 0x80,
	};
	if (greet(&nego, &source, how & 0x40, &err))
		return 0;
	if (enbd_nego_formats(&nego, how & 3, &err))
		return 0;
	if ((how & 0x10) && enbd_ext_discover(&nego, "disk", &known, &err))
		return 0;
	if ((how & 0x20) && extend(&nego, ext, &hello, &err))
		return 0;
	if ((how & 4) && enbd_nego_list(&nego, each, &sum, &err))
		return 0;
	if (how & 8)
		rc = enbd_nego_info(&nego, "disk", &export, &err);
	else
		rc = enbd_nego_go(&nego, "disk", &export, &err);
	if (!rc && (!export.block_min || export.block_pref < export.block_min))
		abort();
	if (!rc)
		enbd_export_check(&export, "s", "disk", &err);
	enbd_nego_end(&nego);
	return 0;
}
