// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/clients.c */
/* How many clients there may be, and who makes room. Connections are numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/enbd-server/clients.h"

#define MANY	200u

struct connection {
	unsigned int stopped;
	bool fencing;
	bool vanished;
};

static struct connection conns[MANY];
static struct client all[MANY];

void connection_stop(struct connection *conn)
{
	conn->stopped++;
}

bool connection_is_fencing(struct connection *conn)
{
	return conn->fencing;
}

bool connection_has_vanished(struct connection *conn)
{
	return conn->vanished;
}

static void start(struct clients *clients, unsigned int max)
{
	memset(conns, 0, sizeof(conns));
	memset(all, 0, sizeof(all));
	clients_init(clients, max);
}

static void add(struct clients *clients, unsigned int i)
{
	all[i].conn = &conns[i];
	clients_add(clients, &all[i]);
}

static void test_places(void **state)
{
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, 2);
	for (i = 0; i < 5; i++)
		add(&clients, i);
	assert_true(clients_admit(&clients, &conns[3], false));
	assert_true(clients_admit(&clients, &conns[0], false));
	assert_false(clients_admit(&clients, &conns[1], false));
	/* In the place of one that is ending, and not twice */
	assert_true(clients_admit(&clients, &conns[1], true));
	assert_false(clients_admit(&clients, &conns[1], true));
	clients_release(&clients, &conns[3]);
	assert_false(clients_admit(&clients, &conns[2], false));
	/* Its end is no second place. */
	clients_remove(&clients, &all[3]);
	assert_false(clients_admit(&clients, &conns[2], false));
	clients_remove(&clients, &all[0]);
	assert_true(clients_admit(&clients, &conns[2], false));
	/* Who has no place gives none. */
	clients_release(&clients, &conns[4]);
	assert_int_equal(clients_count(&clients), 3);
	clients_remove(&clients, &all[4]);
	assert_false(clients.count[CLIENT_LEAVING]);
	clients_tell(&clients, connection_stop);
	assert_int_equal(conns[1].stopped + conns[2].stopped, 2);
	assert_int_equal(conns[0].stopped + conns[3].stopped, 0);
}

/* One that is only left to end has given its place to whoever comes first. */
static void test_release(void **state)
{
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, 2);
	for (i = 0; i < 4; i++)
		add(&clients, i);
	assert_true(clients_admit(&clients, &conns[0], false));
	assert_true(clients_admit(&clients, &conns[1], false));
	clients_release(&clients, &conns[0]);
	assert_true(clients_admit(&clients, &conns[2], false));
	assert_false(clients_admit(&clients, &conns[3], false));
	/* Once */
	clients_release(&clients, &conns[0]);
	clients_remove(&clients, &all[0]);
	assert_false(clients_admit(&clients, &conns[3], false));
}

static void test_leaving(void **state)
{
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, 1);
	for (i = 0; i < GREETINGS_MIN; i++) {
		assert_true(clients_make_room(&clients));
		add(&clients, i);
		assert_true(clients_admit(&clients, &conns[i], false));
		clients_release(&clients, &conns[i]);
	}
	for (i = 0; i < GREETINGS_MIN; i++)
		assert_int_equal(conns[i].stopped, 0);
	/* They do not read: the oldest goes. */
	assert_true(clients_make_room(&clients));
	assert_int_equal(conns[0].stopped, 1);
	assert_int_equal(conns[1].stopped, 0);
	/* Nobody reads any more. */
	conns[2].vanished = true;
	clients_drop_vanished(&clients);
	assert_int_equal(conns[2].stopped, 1);
}

/* The disk hangs, and so does each that is replaced. */
static void test_replaced(void **state)
{
	const unsigned int max = GREETINGS_MIN + 2;
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, 2);
	for (i = 0; i <= max; i++) {
		add(&clients, i);
		assert_int_equal(clients_admit(&clients, &conns[i], i >= 2),
				 i < max);
	}
	clients_remove(&clients, &all[0]);
	assert_true(clients_admit(&clients, &conns[max], true));
}

static void test_greetings(void **state)
{
	const unsigned int max = GREETINGS_MIN;
	struct clients clients;
	unsigned int i, next = 0;

	(void)state;
	start(&clients, 1);
	for (; next < max; next++) {
		assert_true(clients_make_room(&clients));
		add(&clients, next);
	}
	for (i = 0; i < max; i++)
		assert_int_equal(conns[i].stopped, 0);
	/* The oldest goes, but not while it is served or waits for a fence. */
	assert_true(clients_admit(&clients, &conns[0], false));
	add(&clients, next++);
	conns[1].fencing = true;
	assert_true(clients_make_room(&clients));
	assert_int_equal(conns[0].stopped + conns[1].stopped, 0);
	assert_int_equal(conns[2].stopped, 1);
	assert_false(clients_admit(&clients, &conns[2], true));
	add(&clients, next++);
	/* Once */
	assert_true(clients_make_room(&clients));
	assert_int_equal(conns[2].stopped, 1);
	assert_int_equal(conns[3].stopped, 1);
	add(&clients, next++);
	/* All of them wait. */
	for (i = 4; i < next; i++)
		conns[i].fencing = true;
	assert_false(clients_make_room(&clients));
	/* They come faster than they go. */
	memset(conns, 0, sizeof(conns));
	for (i = 2; i < max; i++) {
		assert_true(clients_make_room(&clients));
		add(&clients, next++);
	}
	assert_false(clients_make_room(&clients));
	clients_remove(&clients, &all[2]);
	assert_true(clients_make_room(&clients));
}

/* Handshakes have their own deadline. */
static void test_vanished(void **state)
{
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, 3);
	for (i = 0; i < 4; i++)
		add(&clients, i);
	for (i = 0; i < 3; i++)
		clients_admit(&clients, &conns[i], false);
	conns[1].vanished = true;
	conns[3].vanished = true;
	clients_drop_vanished(&clients);
	for (i = 0; i < 4; i++)
		assert_int_equal(conns[i].stopped, i == 1);
}

static void test_many(void **state)
{
	struct clients clients;
	unsigned int i;

	(void)state;
	start(&clients, MANY);
	for (i = 0; i < MANY; i++) {
		assert_true(clients_make_room(&clients));
		add(&clients, i);
		assert_int_equal(conns[0].stopped, 0);
	}
	assert_true(clients_make_room(&clients));
	assert_int_equal(conns[0].stopped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
