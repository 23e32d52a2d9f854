/* SPDX-License-Identifier: GPL-2.0 */
/* Between export.c, which opens, and export_io.c, which does the work. */
#ifndef ENBD_SERVER_EXPORT_IO_H
#define ENBD_SERVER_EXPORT_IO_H

#include "export.h"

extern const struct target_ops export_target_ops;

/* May the export become larger while it is served? */
bool export_can_grow(const struct export *export);

/* target_ops.refresh */
void export_refresh(struct target *target);

#endif /* ENBD_SERVER_EXPORT_IO_H */
