/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for the data of requests, one limit for all clients. Nobody waits for it:
 * who gets none does his request in pieces, with what he has.
 */
#ifndef ENBD_SERVER_BUFFERS_H
#define ENBD_SERVER_BUFFERS_H

#include <stddef.h>

struct buffers;

/**
 * buffers_create() - memory for clients
 * @limit: bytes
 *
 * Return: NULL if there is none.
 */
struct buffers *buffers_create(size_t limit);

/* When all of them have been given back; NULL is allowed */
void buffers_destroy(struct buffers *buffers);

/**
 * buffers_get() - a buffer, aligned to pages
 * @buffers: any thread
 * @size: bytes, not 0
 *
 * Return: NULL beyond the limit.
 */
void *buffers_get(struct buffers *buffers, size_t size);

/* Give it back. @size: as it was asked for */
void buffers_put(struct buffers *buffers, void *buf, size_t size);

/* Bytes that a buffer of this size takes */
size_t buffers_cost(size_t size);

#endif /* ENBD_SERVER_BUFFERS_H */
