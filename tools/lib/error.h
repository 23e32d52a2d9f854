/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a function of the library tells why it failed: an exit code and a text,
 * carried up to the one place that prints it.
 */
#ifndef ENBD_ERROR_H
#define ENBD_ERROR_H

/* Exit codes of the programs */
enum enbd_exit {
	ENBD_EXIT_OK		= 0,
	ENBD_EXIT_GENERAL	= 1,
	ENBD_EXIT_USAGE		= 2,
	ENBD_EXIT_NETWORK	= 3,
	ENBD_EXIT_NEGOTIATION	= 4,
	ENBD_EXIT_IDENTITY	= 5,	/* TLS or signature */
	ENBD_EXIT_BUSY		= 6,
	ENBD_EXIT_KERNEL	= 7,	/* kernel or module */
	ENBD_EXIT_NOT_CONNECTED	= 8,
};

/**
 * struct enbd_err - why something failed
 * @code: one of enum enbd_exit, ENBD_EXIT_OK while nothing has failed
 * @error: errno of the driver's refusal, 0 for anything else
 * @text: "what: why; remedy", not sanitised, that is done when it is printed
 */
struct enbd_err {
	int code;
	int error;
	char text[1024];
};

/**
 * enbd_fail() - fill in an error
 * @err: where to, the older content is lost
 * @code: one of enum enbd_exit
 * @fmt: text without program name and without end of line
 *
 * Return: -1, so that a function can say "return enbd_fail(...)".
 */
int enbd_fail(struct enbd_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * enbd_fail_prefix() - say in front of an error what was being done
 * @err: a filled error
 * @fmt: text to put before "TEXT", with a ": " between
 *
 * Return: -1.
 */
int enbd_fail_prefix(struct enbd_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* ENBD_ERROR_H */
