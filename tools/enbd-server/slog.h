/* SPDX-License-Identifier: GPL-2.0 */
/* The server's messages: to stderr in the foreground, else to syslog. */
#ifndef ENBD_SERVER_SLOG_H
#define ENBD_SERVER_SLOG_H

#include <stdbool.h>

/**
 * slog_init() - choose where messages go
 * @background: to syslog
 */
void slog_init(bool background);

/* Something the administrator should know; any thread. */
void slog_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void slog_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * As slog_error(), for what a peer can cause as often as it likes: only so many
 * messages a second pass, and the number of the others is told.
 */
void slog_peer(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* ENBD_SERVER_SLOG_H */
