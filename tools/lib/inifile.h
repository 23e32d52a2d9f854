/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration files of sections and keys, read by libinih, with what that
 * lacks: numbers of lines, sections without keys, lines that would be cut.
 */
#ifndef ENBD_INIFILE_H
#define ENBD_INIFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

struct enbd_ini;

/**
 * struct enbd_ini_ops - what the file means
 * @section: a line "[NAME]"; @name without brackets, may be changed
 * @key: a line "KEY = VALUE" after the first section
 * @sections: which there are, for messages, such as "[device NAME]"
 *
 * Both return 0, or -1 after enbd_ini_bad() or enbd_ini_no_memory().
 */
struct enbd_ini_ops {
	int (*section)(struct enbd_ini *ini, char *name);
	int (*key)(struct enbd_ini *ini, const char *key, const char *value);
	const char *sections;
};

/**
 * struct enbd_ini - a file while it is read
 * @path: for messages
 * @line: number of the line at hand
 * @err: receives the first error
 * @arg: of the caller
 *
 * The rest belongs to inifile.c.
 */
struct enbd_ini {
	const char *path;
	unsigned int line;
	struct enbd_err *err;
	void *arg;
	const struct enbd_ini_ops *ops;
	FILE *stream;
	bool in_section;
	bool failed;
};

/**
 * enbd_ini_read() - read a file to its end or to the first mistake
 * @ini: @path, @err and @arg are set, the rest is 0
 * @stream: the open file
 * @ops: what to do with it
 *
 * Mistakes are ENBD_EXIT_USAGE, "PATH:LINE: what: why". Not for several
 * threads at once: libinih has its limits in variables.
 *
 * Return: 0 or -1.
 */
int enbd_ini_read(struct enbd_ini *ini, FILE *stream,
		  const struct enbd_ini_ops *ops);

/* A mistake in the line at hand. Return: -1. */
int enbd_ini_bad(struct enbd_ini *ini, const char *what, const char *why);

/* Return: -1. */
int enbd_ini_no_memory(struct enbd_ini *ini);

/* Values of keys; a wrong one is reported. Return: 0 or -1. */
int enbd_ini_number(struct enbd_ini *ini, const char *key, const char *value,
		    uint32_t min, uint32_t max, uint32_t *to);
int enbd_ini_bool(struct enbd_ini *ini, const char *key, const char *value,
		  bool *to);

/* Seconds as in enbd_parse_seconds(), to milliseconds */
int enbd_ini_seconds(struct enbd_ini *ini, const char *key, const char *value,
		     uint32_t *ms);

#endif /* ENBD_INIFILE_H */
