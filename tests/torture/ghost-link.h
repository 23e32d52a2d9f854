/* SPDX-License-Identifier: GPL-2.0 */
/* The connections of the ghost proxy; see ghost-proxy.c. */
#ifndef TORTURE_GHOST_LINK_H
#define TORTURE_GHOST_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"

enum hold {
	HOLD_NONE,
	HOLD_WRITE,	/* from the next WRITE on */
	HOLD_MIDDLE,	/* from the middle of the next WRITE on */
	HOLD_PASS,	/* after ->pass more bytes */
	HOLD_ALL,
};

struct buffer {
	uint8_t *data;
	size_t start, len, size;
};

struct link;

/* One of the two sockets, or a listening one; what epoll points at. */
struct end {
	struct link *link;
	int fd;			/* -1: gone */
	bool eof;		/* nothing more will come from it */
	bool shut;		/* we have sent our FIN */
	uint32_t events;
};

/**
 * struct link - a client's connection and ours to the server for it
 * @port:   of the client, its name
 * @clear:  bytes of @up that may go to the server; the hold begins behind them
 * @silent: nothing goes to the client any more
 * @ghost:  the client's end went while its bytes were kept back
 * @dead:   freed by links_sweep()
 */
struct link {
	struct link *next;
	struct end client, server;
	unsigned int port;
	struct buffer up, down;
	struct frames frames;
	size_t clear;
	enum hold hold;
	uint64_t pass;
	bool silent, ghost, dead;
};

extern struct link *links;

extern struct link_stats {
	unsigned long long accepted, ghosts, released, gone, dropped;
} link_stats;

/* The program ends with a message. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void links_init(void);
int links_wait(struct end **ends, uint32_t *events, int max);
void links_sweep(void);

/* Begin to watch a socket for input; @e lives as long as it does. */
void end_watch(struct end *e, int fd);

/* Takes over the two sockets. */
void link_new(int client, int server, unsigned int port);

/* Do what can be done now; @events: epoll's, for @e. */
void link_event(struct end *e, uint32_t events);
void link_pump(struct link *l);

/* False: @how is not known. */
bool link_hold(struct link *l, const char *how);
bool link_cut(struct link *l, const char *how);

/* Adds the number of WRITEs let go; @gone: the server has closed before. */
void link_release(struct link *l, uint64_t *writes, bool *gone);
void link_drop(struct link *l);
const char *link_state(const struct link *l);

#endif
