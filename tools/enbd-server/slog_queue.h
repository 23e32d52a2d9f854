/* SPDX-License-Identifier: GPL-2.0 */
/* Messages go through a queue (logqueue.h), so that nobody waits for the log. */
#ifndef ENBD_SERVER_SLOG_QUEUE_H
#define ENBD_SERVER_SLOG_QUEUE_H

/**
 * slog_queue_start() - from now on messages go through the queue
 *
 * Once; what does not fit is left out, and counted. If there can be no thread they
 * are written as before.
 */
void slog_queue_start(void);

#endif /* ENBD_SERVER_SLOG_QUEUE_H */
