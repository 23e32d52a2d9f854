// SPDX-License-Identifier: GPL-2.0
/* An export grows with the file or device that nothing follows. */
#include <inttypes.h>

#include "export.h"
#include "export_io.h"
#include "member.h"
#include "slog.h"
#include "util.h"
#include "vouch.h"

/* Looking is cheap, but not for nothing. */
#define LOOK_MS	1000

bool export_can_grow(const struct export *export)
{
	return !export->layout.stripe;
}

/* Of two that look at the same time one does it. */
static bool is_time(struct export *export)
{
	const long long now = now_ms();
	long long next = atomic_load(&export->next_look);

	return now >= next &&
	       atomic_compare_exchange_strong(&export->next_look, &next,
					      now + LOOK_MS);
}

void export_refresh(struct target *target)
{
	struct export *export = container_of(target, struct export, target);
	const struct layout *layout = &export->layout;
	const unsigned int last = layout->members - 1;
	uint64_t size, old;

	if (!export_can_grow(export) || !is_time(export) ||
	    member_size(&export->files[last], &size) ||
	    size > INT64_MAX - layout->start[last])
		return;
	size += layout->start[last];
	size -= size % target->info.block_min;
	old = atomic_load(&target->info.size);
	while (size > old) {
		if (!atomic_compare_exchange_weak(&target->info.size, &old,
						  size))
			continue;
		vouch_noticed(export->vouch);
		slog_info("export \"%s\": has grown from %" PRIu64 " to %" PRIu64 " bytes",
			  target->info.name, old, size);
		break;
	}
}
