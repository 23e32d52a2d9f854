// SPDX-License-Identifier: GPL-2.0
/*
 * A TCP proxy that makes ghosts: it keeps back what a client sent, lets the
 * client's end die, and hands the bytes to the server later, or never.
 *
 *     client ---- LISTEN [ghost-proxy] ---- TO (server)
 *                             |
 *                      CONTROL (Unix socket): one command, one answer
 *
 *     ghost-proxy --listen ADDR:PORT --to ADDR:PORT --control PATH
 *     ghost-proxy --control PATH COMMAND...    prints the answer; exit status 1
 *                                              unless it begins with "ok"
 *
 * The proxy's port, when it was given as 0, is the answer to "port". A
 * connection goes by the number of the client's port, or "all".
 *
 *     list                 ok PORT:STATE:HELD ..., HELD bytes are kept back;
 *                          STATE is open, held, armed, silent, or ghost: the
 *                          client's end is gone
 *     hold WHICH [now]     keep back what goes to the server from now on
 *     hold WHICH write     from the beginning of the next WRITE on
 *     hold WHICH middle    from the middle of the next WRITE's data on
 *     cut WHICH rst|fin    end the client's side so, not the server's
 *     cut WHICH silent     do not answer the client any more, and hold
 *     release WHICH        what was kept back goes to the server; the client's
 *                          end being gone, the connection is then closed.
 *                          ok N writes; "ok gone N writes": the server has
 *                          closed the connection before, they were dropped
 *     drop WHICH           reset both sides; what was kept back never comes
 *     refuse, accept       close the listening port, open it again
 *     stats                ok NAME=VALUE ...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ghost-link.h"

static struct sockaddr_in listen_addr, server_addr;
static int listen_fd = -1, control_fd;
static struct end listen_end, control_end;

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "ghost-proxy: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

/* ---- connections ---- */

static void new_client(void)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int client, server;

	client = accept4(listen_fd, (struct sockaddr *)&from, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0)
		return;
	server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server < 0)
		die("new connection: %s", strerror(errno));
	if (connect(server, (struct sockaddr *)&server_addr,
		    sizeof(server_addr)) && errno != EINPROGRESS) {
		close(client);
		close(server);
		return;
	}
	link_new(client, server, ntohs(from.sin_port));
}

static void open_listener(void)
{
	int one = 1, fd;

	if (listen_fd >= 0)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&listen_addr,
			   sizeof(listen_addr)) || listen(fd, 128))
		die("cannot listen on %s port %u: %s",
		    inet_ntoa(listen_addr.sin_addr),
		    ntohs(listen_addr.sin_port), strerror(errno));
	getsockname(fd, (struct sockaddr *)&listen_addr,
		    &(socklen_t){ sizeof(listen_addr) });
	listen_fd = fd;
	end_watch(&listen_end, fd);
}

/* ---- commands ---- */

/* Answers into @out, which has room for @size. */
static void list(char *out, size_t size)
{
	size_t n = snprintf(out, size, "ok");
	const struct link *l;

	for (l = links; l && n < size; l = l->next)
		if (!l->dead)
			n += snprintf(out + n, size - n, " %u:%s:%zu", l->port,
				      link_state(l), l->up.len);
}

static void command(char *line, char *out, size_t size)
{
	char *verb = strtok(line, " \n"), *which = strtok(NULL, " \n");
	const char *how = strtok(NULL, " \n");
	bool gone = false, good = true, all;
	uint64_t writes = 0;
	unsigned int n = 0, port;
	struct link *l;

	if (!verb)
		verb = "";
	how = how ? how : "";
	if (!strcmp(verb, "list")) {
		list(out, size);
		return;
	}
	if (!strcmp(verb, "port")) {
		snprintf(out, size, "ok %u", ntohs(listen_addr.sin_port));
		return;
	}
	if (!strcmp(verb, "stats")) {
		snprintf(out, size, "ok accepted=%llu ghosts=%llu released=%llu gone=%llu dropped=%llu",
			 link_stats.accepted, link_stats.ghosts,
			 link_stats.released, link_stats.gone,
			 link_stats.dropped);
		return;
	}
	if (!strcmp(verb, "refuse")) {
		if (listen_fd >= 0)
			close(listen_fd);
		listen_fd = -1;
		snprintf(out, size, "ok");
		return;
	}
	if (!strcmp(verb, "accept")) {
		open_listener();
		snprintf(out, size, "ok");
		return;
	}
	all = which && !strcmp(which, "all");
	port = which ? strtoul(which, NULL, 10) : 0;
	for (l = links; l && good; l = l->next) {
		if (l->dead || (!all && l->port != port))
			continue;
		n++;
		if (!strcmp(verb, "hold"))
			good = link_hold(l, how);
		else if (!strcmp(verb, "cut"))
			good = link_cut(l, how);
		else if (!strcmp(verb, "release"))
			link_release(l, &writes, &gone);
		else if (!strcmp(verb, "drop"))
			link_drop(l);
		else
			good = false;
		link_pump(l);
		if (!all)
			break;
	}
	if (!good)
		snprintf(out, size, "bad command: %s %s", verb, how);
	else if (!n && !all)
		snprintf(out, size, "no connection %s", which ? which : "");
	else if (!strcmp(verb, "release"))
		snprintf(out, size, "ok %s%llu writes", gone ? "gone " : "",
			 (unsigned long long)writes);
	else
		snprintf(out, size, "ok %u", n);
}

static void new_control(void)
{
	static char line[256], answer[16384];
	ssize_t n;
	int fd;

	fd = accept4(control_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	n = recv(fd, line, sizeof(line) - 1, 0);
	if (n > 0) {
		line[n] = 0;
		command(line, answer, sizeof(answer));
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	close(fd);
}

/* ---- the program ---- */

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[64];

	if (!colon || colon - text >= (long)sizeof(host))
		die("%s: not ADDRESS:PORT", text);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	a.sin_port = htons(strtoul(colon + 1, NULL, 10));
	if (!inet_aton(host, &a.sin_addr))
		die("%s: not an IPv4 address", host);
	return a;
}

static struct sockaddr_un control_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		die("%s: too long for a socket", path);
	strcpy(a.sun_path, path);
	return a;
}

static int ask(const char *path, char **words, int count)
{
	struct sockaddr_un a = control_address(path);
	char text[16384] = "";
	size_t n = 0;
	ssize_t got;
	int i, fd;

	for (i = 0; i < count; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
			      words[i]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("%s: %s", path, strerror(errno));
	send(fd, text, n, MSG_NOSIGNAL);
	for (n = 0; n < sizeof(text) - 1; n += got) {
		got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
		if (got <= 0)
			break;
	}
	text[n] = 0;
	puts(text);
	return strncmp(text, "ok", 2) != 0;
}

static void serve(void)
{
	struct end *ends[32];
	uint32_t events[32];
	int n, i;

	for (;;) {
		n = links_wait(ends, events, 32);
		for (i = 0; i < n; i++) {
			if (ends[i] == &listen_end)
				new_client();
			else if (ends[i] == &control_end)
				new_control();
			else
				link_event(ends[i], events[i]);
		}
		links_sweep();
	}
}

int main(int argc, char **argv)
{
	const char *control = NULL, *to = NULL, *at = NULL;
	struct sockaddr_un a;
	int i;

	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--control"))
			control = argv[i + 1];
		else if (!strcmp(argv[i], "--to"))
			to = argv[i + 1];
		else if (!strcmp(argv[i], "--listen"))
			at = argv[i + 1];
		else
			die("%s: unknown option", argv[i]);
	}
	if (control && !to && !at && i < argc)
		return ask(control, argv + i, argc - i);
	if (!control || !to || !at || i < argc)
		die("wants --listen, --to and --control, or --control and a command");
	signal(SIGPIPE, SIG_IGN);
	listen_addr = address(at);
	server_addr = address(to);
	links_init();
	open_listener();
	a = control_address(control);
	unlink(control);
	control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control_fd < 0 || bind(control_fd, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(control_fd, 16))
		die("%s: %s", control, strerror(errno));
	end_watch(&control_end, control_fd);
	serve();
	return 0;
}
