/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue of messages and a thread that writes them, so that who has something
 * to say never waits. The disk of the log may be served from here, and then
 * whoever reads the log waits for just those who write to it.
 */
#ifndef ENBD_SERVER_SLOG_QUEUE_H
#define ENBD_SERVER_SLOG_QUEUE_H

/* Messages that wait; what does not fit is left out, and counted. */
#define SLOG_QUEUE_LEN	128u

/**
 * slog_queue_start() - from now on messages go through the queue
 *
 * Once. If there can be no thread they are written as before.
 */
void slog_queue_start(void);

/**
 * slog_queue_drain() - wait until all is written
 * @ms: but no longer
 */
void slog_queue_drain(unsigned int ms);

#endif /* ENBD_SERVER_SLOG_QUEUE_H */
