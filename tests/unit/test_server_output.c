// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/output.c */
/* Who lends a hand with a client's replies gets it back. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/output.h"

#define NODES	4000u

static struct output out;
static struct out_node nodes[NODES];
static char bytes[NODES];
static unsigned int released, stalls;
static bool watched;
static int fds[2];

static void release(struct out_node *node)
{
	(void)node;
	released++;
}

static bool stalled(void *ctx)
{
	(void)ctx;
	stalls++;
	return watched;
}

static void add(unsigned int i, unsigned int budget)
{
	bytes[i] = (char)i;
	nodes[i].iov[0].iov_base = &bytes[i];
	nodes[i].iov[0].iov_len = 1;
	nodes[i].iovcnt = 1;
	nodes[i].release = release;
	output_push(&out, &nodes[i], budget);
}

/* All but the last, while there is a writer that sends none of them */
static int setup(void **state)
{
	const int room = 4 << 20;
	unsigned int i;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	output_init(&out, fds[1], stalled, NULL);
	released = 0;
	stalls = 0;
	out.busy = true;
	for (i = 0; i < NODES - 1; i++)
		add(i, 0);
	out.busy = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	output_destroy(&out);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void expect_all(void)
{
	char got[NODES];

	assert_int_equal(released, NODES);
	assert_false(out.busy);
	assert_false(out.broken);
	assert_int_equal(recv(fds[0], got, NODES, MSG_WAITALL), NODES);
	assert_memory_equal(got, bytes, NODES);
}

/* Its own thread sends all there is. */
static void test_unlimited(void **state)
{
	(void)state;
	watched = true;
	add(NODES - 1, 0);
	assert_int_equal(stalls, 0);
	expect_all();
}

/* A thread that is there for others leaves the rest to whoever watches. */
static void test_budget(void **state)
{
	unsigned int rounds;

	(void)state;
	watched = true;
	add(NODES - 1, OUTPUT_BUDGET);
	assert_int_equal(stalls, 1);
	assert_true(out.busy);
	assert_in_range(released, 1, NODES / 2);
	for (rounds = 0; out.busy; rounds++) {
		assert_int_equal(stalls, rounds + 1);
		output_resume(&out);
	}
	assert_in_range(rounds, 2, 10);
	expect_all();
}

/* Nobody can watch: then it has to be done here. */
static void test_unwatched(void **state)
{
	(void)state;
	watched = false;
	add(NODES - 1, OUTPUT_BUDGET);
	assert_int_equal(stalls, 1);
	expect_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unlimited, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwatched, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
