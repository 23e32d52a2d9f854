/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines for people on stderr: "PROGRAM: what: why; remedy". Whatever is in
 * the text, one call writes one line with one write(), without anything that
 * a terminal would act on.
 */
#ifndef ENBD_LOG_H
#define ENBD_LOG_H

/**
 * enbd_log_init() - set the name in front of each line
 * @program: kept, not copied
 *
 * The name is program_invocation_short_name until then.
 */
void enbd_log_init(const char *program);

/* An error; the caller ends with the exit code that belongs to it. */
void enbd_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What is going on, for the log of a program that goes on */
void enbd_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Something the user should know although the command goes on. */
void enbd_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* ENBD_LOG_H */
