// SPDX-License-Identifier: GPL-2.0
#include "monitor_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "logqueue.h"

/* FNV-1a; never 0 */
static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

bool log_reason(struct log_reason *r, const char *text, bool remind,
		uint64_t now, unsigned int *hidden)
{
	const uint64_t h = hash(text);

	if (r->hash == h && (!remind || now - r->time < LOG_REMIND_MS)) {
		r->hidden++;
		return false;
	}
	*hidden = r->hash == h ? r->hidden : 0;
	r->hash = h;
	r->time = now;
	r->hidden = 0;
	return true;
}

bool log_allow(struct log_bucket *b, uint64_t now, unsigned int *hidden)
{
	const uint64_t refill = (now - b->time) / LOG_REFILL_MS;

	if (refill) {
		b->used = refill < b->used ? b->used - (unsigned int)refill : 0;
		b->time += refill * LOG_REFILL_MS;
	}
	if (b->used >= LOG_BURST) {
		b->hidden++;
		return false;
	}
	b->used++;
	*hidden = b->hidden;
	b->hidden = 0;
	return true;
}

void monitor_say(uint64_t now, const char *fmt, ...)
{
	static struct log_bucket bucket;
	char text[LOGQUEUE_TEXT], more[64] = "";
	unsigned int hidden;
	va_list args;
	size_t len;

	if (!log_allow(&bucket, now, &hidden))
		return;
	if (hidden)
		snprintf(more, sizeof(more),
			 " (and %u lines before that were too many)", hidden);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text) - sizeof(more), fmt, args);
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "%s", more);
	if (!logqueue_put(0, text))
		bucket.hidden += hidden + 1;
}

static void write_line(int priority, const char *text)
{
	(void)priority;
	enbd_log("%s", text);
}

int monitor_log_start(struct enbd_err *err)
{
	/* What was left out the next line tells. */
	static const struct logqueue_writer writer = {
		.write = write_line,
		.alone = true,
	};
	const int error = logqueue_start(&writer);

	if (!error)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "cannot start a thread: %s",
			 strerror(error));
}
