// SPDX-License-Identifier: GPL-2.0
/* 6.10: __assign_str() knows the source of the string */
#include <linux/stringify.h>
#include <trace/stages/stage6_event_callback.h>

/* only the number of arguments matters, so the expansion is not compiled */
const char *const probe = __stringify(__assign_str(name));
