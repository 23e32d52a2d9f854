/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process needs that the writing out of dirty memory may wait for: it
 * must not wait for memory itself. And what its service manager wants to know.
 */
#ifndef ENBDCTL_MONITOR_SELF_H
#define ENBDCTL_MONITOR_SELF_H

#include <stdbool.h>

/*
 * Everything that can be done about memory, for this thread and those that it
 * starts. What cannot be done, for lack of a privilege, is said.
 */
void self_protect(void);

/**
 * self_notify() - tell the service manager, if there is one
 * @text: as in sd_notify(3), for example "READY=1"
 *
 * Does not wait for one that does not listen now. Return: false if it is to be
 * told again.
 */
bool self_notify(const char *text);

#endif /* ENBDCTL_MONITOR_SELF_H */
