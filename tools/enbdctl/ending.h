/* SPDX-License-Identifier: GPL-2.0 */
/* A program that is told to end (SIGTERM) ends what is under way first. */
#ifndef ENBDCTL_ENDING_H
#define ENBDCTL_ENDING_H

#include <stdbool.h>

/* From here on SIGTERM is only remembered. */
void ending_catch(void);

/* Has it come? */
bool ending_told(void);

#endif /* ENBDCTL_ENDING_H */
