// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/conn_alive.c tools/enbd-server/slog.c */
/* Which client has vanished, and which one only takes nothing. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tools/enbd-server/conn_state.h"

/* What TCP says, or an error */
static struct tcp_info tcp;
static int error;

int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	assert_int_equal(fd, 77);
	assert_int_equal(level, IPPROTO_TCP);
	assert_int_equal(option, TCP_INFO);
	assert_true(*len >= sizeof(tcp));
	memcpy(value, &tcp, sizeof(tcp));
	errno = error;
	return error ? -1 : 0;
}

static void test_vanished(void **state)
{
	static const struct {
		const char *what;
		unsigned int heard;
		unsigned int unacked;
		unsigned int probes;
		int error;
		bool vanished;
	} table[] = {
		{ "busy", 10, 5, 0, 0, false },
		{ "idle", 59000, 0, 0, 0, false },
		{ "an outage", 119999, 1, 0, 0, false },
		{ "gone", 120000, 1, 0, 0, true },
		{ "takes nothing, between two probes", 121000, 0, 1, 0, false },
		{ "took nothing, and is gone", 121000, 0, 2, 0, true },
		{ "no TCP", 120000, 1, 0, EOPNOTSUPP, false },
	};
	struct connection *conn = calloc(1, sizeof(*conn));
	unsigned int i;

	(void)state;
	conn->fd = 77;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(&tcp, 0, sizeof(tcp));
		tcp.tcpi_last_ack_recv = table[i].heard;
		tcp.tcpi_unacked = table[i].unacked;
		tcp.tcpi_probes = (uint8_t)table[i].probes;
		error = table[i].error;
		if (connection_has_vanished(conn) != table[i].vanished)
			fail_msg("%s", table[i].what);
	}
	free(conn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vanished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
