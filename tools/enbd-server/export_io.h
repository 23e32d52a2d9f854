/* SPDX-License-Identifier: GPL-2.0 */
/* Between export.c, which opens, and export_io.c, which does the work. */
#ifndef ENBD_SERVER_EXPORT_IO_H
#define ENBD_SERVER_EXPORT_IO_H

#include "target.h"

extern const struct target_ops export_target_ops;

#endif /* ENBD_SERVER_EXPORT_IO_H */
