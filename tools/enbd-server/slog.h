/* SPDX-License-Identifier: GPL-2.0 */
/* The server's messages: to stderr in the foreground, else to syslog. */
#ifndef ENBD_SERVER_SLOG_H
#define ENBD_SERVER_SLOG_H

#include <stdbool.h>

/* Longest message, with its NUL */
#define SLOG_TEXT	1024u

/**
 * slog_init() - choose where messages go
 * @background: to syslog
 */
void slog_init(bool background);

/* Takes a message, with its priority for syslog */
typedef void (*slog_function)(int priority, const char *text);

/**
 * slog_deliver() - choose how messages get there
 * @function: gets each, in any thread; slog_write() at first
 */
void slog_deliver(slog_function function);

/* Write a message now, which may take as long as its reader likes. */
void slog_write(int priority, const char *text);

/* Something the administrator should know; any thread. */
void slog_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void slog_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * As slog_error(), for what a peer can cause as often as it likes: only so many
 * messages a second pass, and the number of the others is told.
 */
void slog_peer(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* ENBD_SERVER_SLOG_H */
