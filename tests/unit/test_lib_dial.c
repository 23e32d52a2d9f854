// SPDX-License-Identifier: GPL-2.0
/* Connecting on this machine: who answers, who does not, and from where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "deadline.h"

static struct enbd_err err;
static struct enbd_uri uri;

static int listener(uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

static void to(const char *host, uint16_t port)
{
	char text[64];

	snprintf(text, sizeof(text), "nbd://%s:%u", host, port);
	assert_int_equal(enbd_uri_parse(text, &uri, &err), 0);
}

static int dial(const char *from, unsigned int ms)
{
	struct enbd_bind bind;

	if (from && enbd_bind_parse(from, &bind, &err))
		return -1;
	return enbd_dial(&uri, from ? &bind : NULL, enbd_now_ms() + ms, &err);
}

static void connects(void **state)
{
	int on = 0, fd, server;
	socklen_t len = sizeof(on);
	uint16_t port;

	(void)state;
	server = listener(&port);
	to("127.0.0.1", port);
	fd = dial(NULL, 5000);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
	assert_true(on);
	getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
	assert_true(on);
	close(fd);
	close(server);
}

/* "localhost" is ::1 first where there is IPv6; nobody listens there. */
static void tries_the_next_address(void **state)
{
	uint16_t port;
	int fd, server;

	(void)state;
	server = listener(&port);
	to("localhost", port);
	fd = dial(NULL, 5000);
	assert_true(fd >= 0);
	close(fd);
	close(server);
}

static void leaves_from(void **state)
{
	struct sockaddr_in local;
	static const char *const never[] = {
		"", ".", "..", "eth 0", "eth/0", "eth0:1", "longer-than-names",
	};
	socklen_t len = sizeof(local);
	uint16_t port;
	int fd, server;
	size_t i;

	(void)state;
	server = listener(&port);
	to("127.0.0.1", port);
	fd = dial("127.0.0.7", 5000);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (void *)&local, &len), 0);
	assert_int_equal(ntohl(local.sin_addr.s_addr), 0x7f000007);
	close(fd);
	fd = dial("lo", 5000);
	assert_true(fd >= 0);
	close(fd);
	close(server);

	assert_int_equal(dial("192.0.2.1", 5000), -1);
	assert_int_equal(err.code, ENBD_EXIT_NETWORK);
	assert_non_null(strstr(err.text, "192.0.2.1"));
	assert_int_equal(dial("::1", 5000), -1);
	assert_int_equal(err.code, ENBD_EXIT_NETWORK);
	assert_int_equal(dial("no-such-card", 5000), -1);
	assert_int_equal(err.code, ENBD_EXIT_NETWORK);
	assert_non_null(strstr(err.text, "from no-such-card"));
	assert_non_null(strstr(err.text, "no such network interface"));
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_int_equal(dial(never[i], 5000), -1);
		assert_int_equal(err.code, ENBD_EXIT_USAGE);
	}
}

static void refused(void **state)
{
	uint16_t port;

	(void)state;
	close(listener(&port));
	to("127.0.0.1", port);
	assert_int_equal(dial(NULL, 5000), -1);
	assert_int_equal(err.code, ENBD_EXIT_NETWORK);
	assert_non_null(strstr(err.text, "refused"));
}

static void unix_sockets(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char dir[64], text[128];
	int server, first, second;
	uint64_t begin;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/enbd-dial-%d", getpid());
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	snprintf(text, sizeof(text), "nbd+unix:///?socket=%s/s", dir);
	assert_int_equal(enbd_uri_parse(text, &uri, &err), 0);
	assert_int_equal(dial(NULL, 5000), -1);
	assert_int_equal(err.code, ENBD_EXIT_NETWORK);

	server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(server, 0), 0);
	first = dial(NULL, 5000);
	assert_true(first >= 0);
	/* The backlog is full now: the next one may wait, not for ever. */
	begin = enbd_now_ms();
	second = dial(NULL, 100);
	assert_int_equal(second, -1);
	assert_true(enbd_now_ms() - begin < 5000);
	close(first);
	close(server);
	unlink(addr.sun_path);
	rmdir(dir);
}

/* Somebody accepts, and says nothing. */
static void silent_server(void **state)
{
	struct enbd_client_opts opts = { .timeout_ms = 150 };
	struct enbd_channel channel;
	uint64_t begin = enbd_now_ms();
	uint16_t port;
	int server;

	(void)state;
	server = listener(&port);
	to("127.0.0.1", port);
	assert_int_equal(enbd_channel_open(&channel, &uri, &opts, &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	assert_non_null(strstr(err.text, "0.15 s"));
	assert_true(enbd_now_ms() - begin >= 150);
	assert_true(enbd_now_ms() - begin < 5000);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(tries_the_next_address),
		cmocka_unit_test(leaves_from),
		cmocka_unit_test(refused),
		cmocka_unit_test(unix_sockets),
		cmocka_unit_test(silent_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
