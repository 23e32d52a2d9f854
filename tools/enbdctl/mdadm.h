/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ENBDCTL_MDADM_H
#define ENBDCTL_MDADM_H

#include "error.h"

/**
 * mdadm_manage() - "mdadm /dev/ARRAY ACTION /dev/NODE", until it succeeds
 * @array: name below /dev
 * @action: for example "--re-add"
 * @node: name below /dev
 * @patience_ms: how long to try again when it fails, unless this program is told to
 *               end
 * @err: receives the last line that mdadm wrote; ENBD_EXIT_GENERAL if that is that
 *       it never will succeed
 *
 * Return: 0 or -1.
 */
int mdadm_manage(const char *array, const char *action, const char *node,
		 unsigned int patience_ms, struct enbd_err *err);

#endif /* ENBDCTL_MDADM_H */
