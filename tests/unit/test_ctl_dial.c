// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/dial.c */
/*
 * Several channels at once, against a server of this program's own that may
 * offer something else on each connection, or hang up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/enbdctl/dial.h"

#define CONNECTIONS 8

/* What the server offers on a connection */
struct offer {
	uint64_t size;
	uint16_t flags;
	bool hang_up;
	bool structured;
};

static struct offer offers[CONNECTIONS];
static int listener;
static pthread_t server;
static atomic_int accepted;
static atomic_int goodbyes;
static atomic_int vendor;	/* options outside of the specification */

static bool get(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static void put(int fd, const void *buf, size_t len)
{
	assert_int_equal(send(fd, buf, len, MSG_NOSIGNAL), len);
}

static void put_reply(int fd, uint32_t option, uint32_t type, const void *data,
		      uint32_t len)
{
	struct enbd_opt_reply reply = {
		.magic = htobe64(ENBD_OPT_REPLY_MAGIC),
		.option = htobe32(option),
		.type = htobe32(type),
		.length = htobe32(len),
	};

	put(fd, &reply, sizeof(reply));
	if (len)
		put(fd, data, len);
}

static void put_export(int fd, const struct offer *offer)
{
	struct {
		uint16_t type;
		uint64_t size;
		uint16_t flags;
	} __attribute__((packed)) info = {
		.type = htobe16(ENBD_INFO_EXPORT),
		.size = htobe64(offer->size),
		.flags = htobe16(offer->flags),
	};

	put_reply(fd, ENBD_OPT_GO, ENBD_REP_INFO, &info, sizeof(info));
	put_reply(fd, ENBD_OPT_GO, ENBD_REP_ACK, NULL, 0);
}

/* One connection until GO; then it is left open for the client to close. */
static void handshake(int fd, const struct offer *offer)
{
	static const uint8_t greeting[] = "NBDMAGICIHAVEOPT\0\3";
	struct enbd_opt_request head;
	uint8_t data[256];
	uint32_t option, len;

	put(fd, greeting, 18);
	if (!get(fd, data, 4))
		return;
	while (get(fd, &head, sizeof(head))) {
		option = be32toh(head.option);
		len = be32toh(head.length);
		if (len > sizeof(data) || (len && !get(fd, data, len)))
			return;
		if (option > ENBD_OPT_EXTENDED_HEADERS)
			vendor++;
		if (offer->structured &&
		    (option == ENBD_OPT_STRUCTURED_REPLY ||
		     option == ENBD_OPT_LIST_META_CONTEXT)) {
			put_reply(fd, option, ENBD_REP_ACK, NULL, 0);
			continue;
		}
		if (option == ENBD_OPT_GO) {
			put_export(fd, offer);
			return;
		}
		put_reply(fd, option, ENBD_REP_ERR_UNSUP, NULL, 0);
	}
}

/* Serves connections one after the other, keeping them; then counts DISC. */
static void *serve(void *arg)
{
	struct enbd_request request;
	int fd[CONNECTIONS], n = 0, i;

	(void)arg;
	while (n < CONNECTIONS) {
		fd[n] = accept(listener, NULL, NULL);
		if (fd[n] < 0)
			break;
		accepted++;
		if (!offers[n].hang_up)
			handshake(fd[n], &offers[n]);
		else
			shutdown(fd[n], SHUT_RDWR);
		n++;
	}
	for (i = 0; i < n; i++) {
		if (get(fd[i], &request, sizeof(request)) &&
		    be16toh(request.type) == ENBD_CMD_DISC)
			goodbyes++;
		close(fd[i]);
	}
	return NULL;
}

static struct dial dial;
static struct dial_result result;
static struct enbd_channel *channels = result.channels;
static struct enbd_err err;

static int setup(void **state)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	char text[64];
	int i;

	(void)state;
	for (i = 0; i < CONNECTIONS; i++)
		offers[i] = (struct offer){
			.size = 1 << 20,
			.flags = ENBD_FLAG_HAS_FLAGS | ENBD_FLAG_CAN_MULTI_CONN,
		};
	accepted = 0;
	goodbyes = 0;
	vendor = 0;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&addr, sizeof(addr)) ||
	    listen(listener, CONNECTIONS) ||
	    getsockname(listener, (void *)&addr, &len))
		return -1;
	dial_init(&dial);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(addr.sin_port));
	return dial_add_path(&dial, text, &err);
}

static int open_all(void)
{
	assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
	return dial_open(&dial, &result, &err) ? -1 : (int)result.count;
}

/* The server stops to accept and looks at how it was left. */
static void finish(void)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
}

/* As if the driver had taken them */
static void drop(int count)
{
	while (count)
		close(channels[--count].fd);
}

static void opens_as_many_as_asked(void **state)
{
	(void)state;
	dial.channels = 6;
	assert_int_equal(open_all(), 6);
	assert_int_equal(accepted, 6);
	assert_int_equal(channels[5].export.size, 1 << 20);
	assert_int_equal(channels[5].format, ENBD_REPLY_FORMAT_SIMPLE);
	drop(6);
	finish();
	assert_int_equal(goodbyes, 0);
}

/* A server that does everything of the specification and nothing else */
static void foreign_servers_see_no_vendor_option(void **state)
{
	(void)state;
	offers[0].structured = true;
	offers[1].structured = true;
	dial.channels = 3;
	assert_int_equal(open_all(), 3);
	assert_int_equal(vendor, 0);
	assert_int_equal(channels[0].format, ENBD_REPLY_FORMAT_STRUCTURED);
	assert_int_equal(channels[0].hello.features, 0);
	drop(3);
	finish();
}

static void insists_on_a_signature(void **state)
{
	static const uint8_t expected[ENBD_SIGNATURE_LEN] = { 0xab, 0xcd };

	(void)state;
	offers[0].structured = true;
	dial.signature = expected;
	assert_int_equal(open_all(), -1);
	assert_int_equal(err.code, ENBD_EXIT_IDENTITY);
	assert_non_null(strstr(err.text, "shows no signature"));
	assert_non_null(strstr(err.text, "abcd0000"));
	finish();
	assert_int_equal(goodbyes, 1);
}

/* The other address of a server that has no second one */
static void uses_the_paths_that_answer(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	char text[64];
	int other;

	(void)state;
	other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(other, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(other, (void *)&addr, &len), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(addr.sin_port));
	assert_int_equal(dial_add_path(&dial, text, &err), 0);
	dial.channels = 5;
	assert_int_equal(open_all(), 3);
	assert_int_equal(result.wanted, 5);
	/* Open ones in order, then those that are missing. */
	assert_int_equal(result.turn[0], 0);
	assert_int_equal(result.turn[1], 2);
	assert_int_equal(result.turn[2], 4);
	assert_int_equal(result.turn[3], 1);
	assert_int_equal(result.turn[4], 3);
	assert_ptr_equal(dial_path(&dial, result.turn[3]), &dial.paths[1]);
	drop(3);
	finish();
	close(other);
}

static void paths_take_after_the_first(void **state)
{
	static struct dial d;
	int i;

	(void)state;
	dial_init(&d);
	assert_int_equal(dial_add_path(&d, "nbd://a:1099/x%20y", &err), 0);
	assert_int_equal(dial_add_path(&d, "b", &err), 0);
	assert_string_equal(d.paths[1].host, "b");
	assert_string_equal(d.paths[1].port, "1099");
	assert_string_equal(d.paths[1].export, "x y");
	assert_int_equal(dial_add_path(&d, "c:7", &err), 0);
	assert_string_equal(d.paths[2].port, "7");
	assert_string_equal(d.paths[2].export, "x y");
	assert_int_equal(dial_add_path(&d, "[fe80::1]", &err), 0);
	assert_string_equal(d.paths[3].host, "fe80::1");
	assert_string_equal(d.paths[3].port, "1099");
	assert_int_equal(dial_add_path(&d, "[fe80::1]:8", &err), 0);
	assert_string_equal(d.paths[4].port, "8");
	assert_int_equal(dial_add_path(&d, "nbd://e/x%20y", &err), 0);
	assert_string_equal(d.paths[5].export, "x y");
	assert_string_equal(d.paths[5].port, "10809");
	assert_int_equal(dial_add_path(&d, "nbd://e/z", &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
	assert_int_equal(dial_add_path(&d, "nbd://e", &err), -1);
	assert_int_equal(dial_add_path(&d, "ftp://e/x%20y", &err), -1);
	assert_int_equal(d.path_count, 6);
	for (i = 6; i < DIAL_PATHS_MAX; i++)
		assert_int_equal(dial_add_path(&d, "b", &err), 0);
	assert_int_equal(dial_add_path(&d, "b", &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
}

/* To add a path of another export would make one device of two disks. */
static void paths_of_a_device_are_of_its_export(void **state)
{
	static struct enbd_uri tcp, local;
	static struct dial d;

	(void)state;
	dial_init(&d);
	assert_int_equal(enbd_uri_parse("nbd://a:1099/x%20y", &tcp, &err), 0);
	assert_int_equal(dial_add_path_of(&d, &tcp, "b", &err), 0);
	assert_string_equal(d.paths[0].text, "nbd://b:1099/x%20y");
	assert_int_equal(dial_add_path_of(&d, &tcp, "c:7", &err), 0);
	assert_string_equal(d.paths[1].text, "nbd://c:7/x%20y");
	assert_int_equal(dial_add_path_of(&d, &tcp, "nbd://d/x%20y", &err), 0);
	assert_int_equal(dial_add_path_of(&d, &tcp, "nbd://d/x", &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
	assert_int_equal(dial_add_path_of(&d, &tcp, "nbd://d", &err), -1);
	assert_int_equal(dial_add_path_of(&d, &tcp,
					  "nbd+unix:///?socket=/s", &err), -1);
	assert_int_equal(d.path_count, 3);
	/* A socket has no port to go by. */
	assert_int_equal(enbd_uri_parse("nbd+unix:///z?socket=/s", &local,
					&err), 0);
	assert_int_equal(dial_add_path_of(&d, &local, "e", &err), 0);
	assert_string_equal(d.paths[3].text, "nbd://e:10809/z");
}

static void opens_what_is_sensible(void **state)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int count;

	(void)state;
	count = open_all();
	assert_int_equal(count, cpus < DIAL_CHANNELS_DEFAULT ? cpus :
			 DIAL_CHANNELS_DEFAULT);
	drop(count);
	finish();
}

static void opens_one_without_multi_conn(void **state)
{
	(void)state;
	offers[0].flags = ENBD_FLAG_HAS_FLAGS;
	assert_int_equal(open_all(), 1);
	drop(1);
	finish();
	assert_int_equal(accepted, 1);
}

static void refuses_another_size(void **state)
{
	(void)state;
	dial.channels = 4;
	offers[2].size = 2 << 20;
	assert_int_equal(open_all(), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	assert_non_null(strstr(err.text, "another export"));
	finish();
	assert_int_equal(accepted, 3);
	assert_int_equal(goodbyes, 3);
}

static void refuses_other_flags(void **state)
{
	(void)state;
	dial.channels = 2;
	offers[1].flags |= ENBD_FLAG_READ_ONLY;
	assert_int_equal(open_all(), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	finish();
	assert_int_equal(goodbyes, 2);
}

static void refuses_an_empty_export(void **state)
{
	(void)state;
	offers[0].size = 0;
	assert_int_equal(open_all(), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	finish();
	assert_int_equal(goodbyes, 1);
}

static void one_cannot_be_had(void **state)
{
	(void)state;
	dial.channels = 3;
	offers[2].hang_up = true;
	assert_int_equal(open_all(), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	assert_non_null(strstr(err.text, "channel 3 of 3"));
	finish();
	assert_int_equal(goodbyes, 2);
}

static void bind_has_no_meaning_for_unix(void **state)
{
	static struct dial d;

	(void)state;
	dial_init(&d);
	assert_int_equal(dial_add_path(&d, "nbd+unix:///?socket=/s", &err), 0);
	assert_int_equal(dial_check(&d, &err), 0);
	assert_int_equal(dial_add_bind(&d, "127.0.0.1", &err), 0);
	assert_int_equal(dial_check(&d, &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_USAGE);
	while (d.bind_count < ENBD_MAX_CHANNELS)
		assert_int_equal(dial_add_bind(&d, "127.0.0.1", &err), 0);
	assert_int_equal(dial_add_bind(&d, "127.0.0.1", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opens_as_many_as_asked, setup),
		cmocka_unit_test_setup(foreign_servers_see_no_vendor_option,
				       setup),
		cmocka_unit_test_setup(insists_on_a_signature, setup),
		cmocka_unit_test_setup(uses_the_paths_that_answer, setup),
		cmocka_unit_test(paths_take_after_the_first),
		cmocka_unit_test(paths_of_a_device_are_of_its_export),
		cmocka_unit_test_setup(opens_what_is_sensible, setup),
		cmocka_unit_test_setup(opens_one_without_multi_conn, setup),
		cmocka_unit_test_setup(refuses_another_size, setup),
		cmocka_unit_test_setup(refuses_other_flags, setup),
		cmocka_unit_test_setup(refuses_an_empty_export, setup),
		cmocka_unit_test_setup(one_cannot_be_had, setup),
		cmocka_unit_test(bind_has_no_meaning_for_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
