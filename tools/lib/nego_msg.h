/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One option and one reply at a time, for the files of the library that know
 * what is in them: negotiate.c and extension.c.
 */
#ifndef ENBD_NEGO_MSG_H
#define ENBD_NEGO_MSG_H

#include "negotiate.h"

/* Integers as they are on the wire */
uint16_t enbd_get16(const uint8_t *p);
uint32_t enbd_get32(const uint8_t *p);
uint64_t enbd_get64(const uint8_t *p);

/* "GO"; "greeting" for what is no option */
const char *enbd_option_name(uint32_t option);

/* Exactly @len bytes of the stream. Return: 0, or -1 with @err filled. */
int enbd_nego_take(struct enbd_nego *n, void *buf, size_t len,
		   struct enbd_err *err);
int enbd_nego_give(struct enbd_nego *n, const void *buf, size_t len,
		   struct enbd_err *err);

/**
 * enbd_nego_send() - send an option
 * @option: ENBD_OPT_*, from now on the one under way
 * @data: its payload, may be NULL when @len is 0
 * @len: bytes, at most ENBD_MAX_STRING + ENBD_NEGO_ROOM
 *
 * Return: 0, or -1 with @err filled, also when it would be one too many.
 */
int enbd_nego_send(struct enbd_nego *n, uint32_t option, const void *data,
		   size_t len, struct enbd_err *err);

/* What an option may carry besides the name of an export, bytes */
#define ENBD_NEGO_ROOM	1024

/**
 * enbd_nego_reply() - read one reply to the option under way
 *
 * Into @n->type, @n->len and @n->payload. Return: 0, or -1 with @err filled.
 */
int enbd_nego_reply(struct enbd_nego *n, struct enbd_err *err);

/* The last reply is an error. */
bool enbd_nego_refused(const struct enbd_nego *n);

/**
 * enbd_nego_refusal() - the server's refusal as an error
 * @name: of the export that was asked for, or NULL
 * @remedy: put behind, for example "; try another"
 *
 * Return: -1.
 */
int enbd_nego_refusal(struct enbd_nego *n, const char *name,
		      const char *remedy, struct enbd_err *err);

/* Is the name of an export short enough? Return: 0, or -1 with @err filled. */
int enbd_nego_check_name(struct enbd_nego *n, const char *name,
			 struct enbd_err *err);

/* The server does what it must not: "..., the server breaks the protocol: WHAT" */
int enbd_nego_broken(struct enbd_nego *n, struct enbd_err *err,
		     const char *what);

#endif /* ENBD_NEGO_MSG_H */
