/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the messages of an NBD client begin and end, by what it sends alone:
 * four bytes of flags, options, then requests.
 */
#ifndef TORTURE_FRAMES_H
#define TORTURE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frames_state {
	FRAMES_FLAGS,		/* the client's flags are to come */
	FRAMES_HEADER,		/* an option's or request's header is to come */
	FRAMES_OPAQUE,		/* not NBD, or encrypted: no message is known */
};

/**
 * struct frames - how far the stream was read
 * @state:  what comes after @rest
 * @rest:   bytes of the current message's payload that are to come
 * @writes: WRITE requests whose header was passed
 */
struct frames {
	enum frames_state state;
	uint64_t rest;
	uint64_t writes;
};

/**
 * frames_pass() - go on in the stream
 * @f:       zeroed at the beginning
 * @buf:     what comes next
 * @len:     its length
 * @stop:    not beyond the beginning of a WRITE
 * @payload: where the answer is @buf's next WRITE: its bytes of data; else 0
 *
 * An incomplete header is not passed.
 *
 * Return: bytes passed; those may be forwarded.
 */
size_t frames_pass(struct frames *f, const uint8_t *buf, size_t len, bool stop,
		   uint64_t *payload);

/* Bytes of the complete header at buf, 0 if it is none or not complete. */
size_t frames_header(const uint8_t *buf, size_t len);

#endif
