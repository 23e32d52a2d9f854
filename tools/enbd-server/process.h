/* SPDX-License-Identifier: GPL-2.0 */
/* What concerns the process as a whole: background, memory, threads, files. */
#ifndef ENBD_SERVER_PROCESS_H
#define ENBD_SERVER_PROCESS_H

#include <pthread.h>

#include "error.h"

/**
 * thread_start() - start a detached thread with a small stack
 * @run: what it does; signals are for the main thread only
 * @arg: for @run
 *
 * Return: 0 or a positive errno.
 */
int thread_start(void *(*run)(void *arg), void *arg);

/* The same, but somebody has to call pthread_join(). */
int thread_start_joinable(pthread_t *thread, void *(*run)(void *arg),
			  void *arg);

/* Make sure that descriptors 0 to 2 are open, so that no file gets them. */
void process_open_standard(void);

/**
 * process_background() - go on in the background
 * @err: filled on failure
 *
 * The parent stays until process_ready() or until the child ends, and exits
 * with the child's status then, so that whoever started it may connect at once
 * or sees the error. To be called before any thread is started.
 *
 * Return: 0 in the child, -1 with @err.
 */
int process_background(struct enbd_err *err);

/* In the background: let the parent exit 0, and leave the terminal. */
void process_ready(void);

/**
 * process_harden() - keep going when memory is short
 *
 * Before any thread is started, they inherit it. Needs privileges; without
 * them nothing happens.
 */
void process_harden(void);

/**
 * process_write_file() - write a small file at once
 * @path: is replaced
 * @text: its content
 * @err: filled on failure
 *
 * Return: 0 or -1.
 */
int process_write_file(const char *path, const char *text,
		       struct enbd_err *err);

#endif /* ENBD_SERVER_PROCESS_H */
