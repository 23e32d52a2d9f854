// SPDX-License-Identifier: GPL-2.0
#include "ghost-link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE		(256u << 10)
#define BUFFER_OPEN	(1u << 20)	/* kept for a side that does not read */
#define BUFFER_HELD	(64u << 20)	/* kept back of one connection */

struct link *links;
struct link_stats link_stats;
static int epoll_fd;

/* ---- buffers ---- */

static uint8_t *buffer_room(struct buffer *b, size_t want)
{
	if (b->size - b->start - b->len >= want)
		return b->data + b->start + b->len;
	if (b->start) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	if (b->size - b->len < want) {
		b->size = (b->len + want) * 2;
		b->data = realloc(b->data, b->size);
		if (!b->data)
			die("no memory for %zu bytes", b->size);
	}
	return b->data + b->len;
}

static void buffer_take(struct buffer *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (!b->len)
		b->start = 0;
}

static void buffer_free(struct buffer *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

/* ---- sockets ---- */

void links_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll: %s", strerror(errno));
}

int links_wait(struct end **ends, uint32_t *events, int max)
{
	struct epoll_event got[32];
	int n = epoll_wait(epoll_fd, got, max < 32 ? max : 32, -1), i;

	for (i = 0; i < n; i++) {
		ends[i] = got[i].data.ptr;
		events[i] = got[i].events;
	}
	return n;
}

void end_watch(struct end *e, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = e };

	e->fd = fd;
	e->events = EPOLLIN;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll: %s", strerror(errno));
}

static void end_want(struct end *e, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	if (e->fd < 0 || e->events == events)
		return;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, e->fd, &ev))
		die("epoll: %s", strerror(errno));
	e->events = events;
}

static void end_close(struct end *e, bool reset)
{
	struct linger linger = { 1, 0 };

	e->eof = true;
	if (e->fd < 0)
		return;
	if (reset)
		setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(e->fd);
	e->fd = -1;
}

static void end_finish(struct end *e)
{
	if (e->fd < 0 || e->shut)
		return;
	shutdown(e->fd, SHUT_WR);
	e->shut = true;
}

/* False: the connection broke. */
static bool send_some(struct end *to, struct buffer *b, size_t *limit)
{
	ssize_t n;

	while (to->fd >= 0 && !to->shut && *limit) {
		n = send(to->fd, b->data + b->start, *limit,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_take(b, n);
		*limit -= n;
	}
	return true;
}

static bool receive_some(struct end *from, struct buffer *b, size_t limit,
			 bool discard)
{
	ssize_t n;

	while (from->fd >= 0 && !from->eof && b->len < limit) {
		n = recv(from->fd, buffer_room(b, PIECE), PIECE, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!n)
			from->eof = true;
		else if (!discard)
			b->len += n;
	}
	return true;
}

/* ---- connections ---- */

void link_new(int client, int server, unsigned int port)
{
	struct link *l = calloc(1, sizeof(*l));
	int one = 1;

	if (!l)
		die("no memory for a connection");
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->port = port;
	l->client.link = l->server.link = l;
	end_watch(&l->client, client);
	end_watch(&l->server, server);
	l->next = links;
	links = l;
	link_stats.accepted++;
}

static void link_kill(struct link *l, bool reset)
{
	end_close(&l->client, reset);
	end_close(&l->server, reset);
	l->dead = true;
}

static bool holds(const struct link *l)
{
	return l->hold == HOLD_ALL || l->hold == HOLD_PASS;
}

/* The client's end is gone; what we hold of it lives on, if anything. */
static void client_gone(struct link *l, bool reset)
{
	end_close(&l->client, reset);
	buffer_free(&l->down);
	if (!l->ghost)
		link_stats.ghosts++;
	l->ghost = true;
	l->hold = HOLD_ALL;
}

static void client_broke(struct link *l)
{
	if (holds(l))
		client_gone(l, true);
	else if (l->ghost)
		end_close(&l->client, true);
	else
		link_kill(l, true);
}

/* A held connection is kept, so that its release can say what became of it. */
static void server_broke(struct link *l)
{
	if (!l->ghost && !holds(l)) {
		link_kill(l, true);
		return;
	}
	end_close(&l->server, true);
	if (!l->ghost && !l->silent)
		client_gone(l, true);
}

/* Decide what of the client's bytes may go. */
static void pass_up(struct link *l)
{
	const uint8_t *data = l->up.data + l->up.start + l->clear;
	size_t len = l->up.len - l->clear, n;
	uint64_t payload;

	if (!len || l->hold == HOLD_ALL)
		return;
	if (l->hold == HOLD_PASS) {
		if (len > l->pass)
			len = l->pass;
		n = frames_pass(&l->frames, data, len, false, &payload);
		l->clear += n;
		l->pass -= n;
		if (!l->pass)
			l->hold = HOLD_ALL;
		return;
	}
	n = frames_pass(&l->frames, data, len, l->hold != HOLD_NONE, &payload);
	l->clear += n;
	if (!payload)
		return;
	if (l->hold == HOLD_WRITE) {
		l->hold = HOLD_ALL;
	} else if (l->hold == HOLD_MIDDLE) {
		l->pass = frames_header(data + n, len - n) + payload / 2;
		l->hold = HOLD_PASS;
		pass_up(l);
	}
}

static void pump_up(struct link *l)
{
	size_t limit = l->hold == HOLD_NONE ? BUFFER_OPEN : BUFFER_HELD;

	if (!receive_some(&l->client, &l->up, limit, false)) {
		client_broke(l);
		if (l->dead)
			return;
	}
	pass_up(l);
	if (l->client.eof && !l->ghost) {
		if (holds(l))
			client_gone(l, false);
		else
			l->hold = HOLD_NONE;
	}
	if (!send_some(&l->server, &l->up, &l->clear)) {
		server_broke(l);
		return;
	}
	if (l->client.eof && l->hold == HOLD_NONE &&
	    (!l->up.len || !l->clear))
		end_finish(&l->server);
}

static void pump_down(struct link *l)
{
	bool discard = l->ghost || l->silent;

	if (!receive_some(&l->server, &l->down, BUFFER_OPEN, discard)) {
		server_broke(l);
		return;
	}
	if (discard) {
		if (l->server.eof)
			end_close(&l->server, false);
		return;
	}
	if (!send_some(&l->client, &l->down, &(size_t){ l->down.len })) {
		client_broke(l);
		return;
	}
	if (l->server.eof && !l->down.len)
		end_finish(&l->client);
}

void link_pump(struct link *l)
{
	uint32_t events;

	if (!l->dead)
		pump_up(l);
	if (!l->dead)
		pump_down(l);
	if (l->dead)
		return;
	if (l->hold == HOLD_NONE &&
	    (l->server.fd < 0 || (l->client.eof && l->server.eof))) {
		link_kill(l, false);
		return;
	}
	events = l->up.len < (l->hold == HOLD_NONE ? BUFFER_OPEN : BUFFER_HELD) &&
		 !l->client.eof ? EPOLLIN : 0;
	end_want(&l->client, events | (l->down.len ? EPOLLOUT : 0));
	events = l->down.len < BUFFER_OPEN && !l->server.eof ? EPOLLIN : 0;
	end_want(&l->server, events | (l->clear ? EPOLLOUT : 0));
}

void link_event(struct end *e, uint32_t events)
{
	struct link *l = e->link;

	link_pump(l);
	if (e->fd < 0 || l->dead || !(events & (EPOLLERR | EPOLLHUP)))
		return;
	/* An end that nothing is read from or sent to: nobody else notices. */
	if (e == &l->client)
		client_broke(l);
	else
		server_broke(l);
	link_pump(l);
}

void links_sweep(void)
{
	struct link **p = &links, *l;

	while ((l = *p)) {
		if (!l->dead) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		buffer_free(&l->up);
		buffer_free(&l->down);
		free(l);
	}
}

bool link_hold(struct link *l, const char *how)
{
	enum hold hold;

	if (!strcmp(how, "") || !strcmp(how, "now"))
		hold = HOLD_ALL;
	else if (!strcmp(how, "write"))
		hold = HOLD_WRITE;
	else if (!strcmp(how, "middle"))
		hold = HOLD_MIDDLE;
	else
		return false;
	if (!l->ghost && !l->silent)
		l->hold = hold;
	return true;
}

bool link_cut(struct link *l, const char *how)
{
	if (strcmp(how, "silent") && strcmp(how, "rst") && strcmp(how, "fin"))
		return false;
	/* What has come so far is kept, too. */
	l->hold = HOLD_ALL;
	pump_up(l);
	if (l->dead || l->ghost)
		return true;
	if (how[0] == 's')
		l->silent = true;
	else
		client_gone(l, how[0] == 'r');
	return true;
}

void link_release(struct link *l, uint64_t *writes, bool *gone)
{
	struct frames f = l->frames;
	uint64_t payload, n;

	frames_pass(&f, l->up.data + l->up.start + l->clear,
		    l->up.len - l->clear, false, &payload);
	n = f.writes - l->frames.writes;
	*writes += n;
	l->hold = HOLD_NONE;
	if (l->server.eof) {
		*gone = true;
		link_stats.gone += n;
		link_kill(l, true);
	} else {
		link_stats.released += n;
	}
}

void link_drop(struct link *l)
{
	link_kill(l, true);
	link_stats.dropped++;
}

const char *link_state(const struct link *l)
{
	if (l->ghost)
		return "ghost";
	if (l->silent)
		return "silent";
	if (l->hold == HOLD_NONE)
		return "open";
	return holds(l) ? "held" : "armed";
}
