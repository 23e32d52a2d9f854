// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbdctl/nl_msg.c tools/enbdctl/nl_error.c */
/* Messages to and from the driver, without a driver. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "netlink_tables.h"
#include "tools/enbdctl/nl_error.h"
#include "tools/enbdctl/nl_msg.h"

#define ROOM 16384

static _Alignas(NLMSG_ALIGNTO) char request[ROOM];
static _Alignas(NLMSG_ALIGNTO) char answer[ROOM];

static const struct reservation some_place = { .index = 1, .incarnation = 2 };

static struct nlmsghdr *start(char *buf, uint8_t cmd)
{
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(buf, 0, ROOM);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = 77;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	return nlh;
}

static struct device_options no_options(void)
{
	return (struct device_options){
		.index = -1, .io_timeout = -1, .dead_timeout = -1,
		.keepalive = -1, .replay = -1,
	};
}

static void fill(struct enbd_channel *channels, int count)
{
	int i;

	for (i = 0; i < count; i++)
		channels[i] = (struct enbd_channel){
			.fd = 100 + i,
			.format = ENBD_REPLY_FORMAT_STRUCTURED,
			.export = {
				.size = 1ULL << 42, .flags = 0x16d,
				.block_min = 512, .block_pref = 4096,
				.block_max = 1 << 25,
			},
		};
}

static const struct nlattr *find(const struct nlmsghdr *nlh, uint16_t type,
				 unsigned int nth)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		if (mnl_attr_get_type(attr) == type && !nth--)
			return attr;
	return NULL;
}

static const struct nlattr *inside(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static void device_add_with_defaults(void **state)
{
	struct device_options options = no_options();
	struct enbd_channel channels[2];
	const struct nlattr *nest;
	struct nlmsghdr *nlh;
	struct enbd_uri uri;
	struct enbd_err err;
	unsigned int i;

	(void)state;
	assert_int_equal(enbd_uri_parse("nbd://h/x%20y", &uri, &err), 0);
	fill(channels, 2);
	nlh = start(request, ENBD_NL_DEVICE_ADD);
	msg_put_device_add(nlh, &uri, &options, channels, 2);
	assert_null(find(nlh, ENBD_A_DEVICE_INDEX, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_READ_ONLY, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_IO_TIMEOUT, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_DEAD_TIMEOUT, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_HW_QUEUES, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_QUEUE_DEPTH, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_KEEPALIVE, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_REPLAY, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_SIGNATURE, 0));
	assert_int_equal(mnl_attr_get_payload_len(find(nlh,
			 ENBD_A_DEVICE_SESSION_ID, 0)), ENBD_SESSION_ID_LEN);
	assert_true(mnl_attr_get_u64(find(nlh, ENBD_A_DEVICE_SIZE, 0)) ==
		    1ULL << 42);
	assert_string_equal(mnl_attr_get_str(find(nlh, ENBD_A_DEVICE_URI, 0)),
			    "nbd://h/x%20y");
	assert_string_equal(mnl_attr_get_str(find(nlh, ENBD_A_DEVICE_EXPORT,
						  0)), "x y");
	for (i = 0; i < 2; i++) {
		nest = find(nlh, ENBD_A_DEVICE_CHANNEL, i);
		assert_int_equal(mnl_attr_get_u32(inside(nest,
				 ENBD_A_CHANNEL_FD)), 100 + i);
		assert_int_equal(mnl_attr_get_u32(inside(nest,
				 ENBD_A_CHANNEL_FLAGS)), 0x16d);
		assert_int_equal(mnl_attr_get_u32(inside(nest,
				 ENBD_A_CHANNEL_REPLY_FORMAT)),
				 ENBD_REPLY_FORMAT_STRUCTURED);
		assert_true(mnl_attr_get_u64(inside(nest,
			    ENBD_A_CHANNEL_SIZE)) == 1ULL << 42);
		assert_null(inside(nest, ENBD_A_CHANNEL_FEATURES));
		assert_null(inside(nest, ENBD_A_CHANNEL_SIGNATURE));
		assert_null(inside(nest, ENBD_A_CHANNEL_VERIFIER));
	}
	assert_null(find(nlh, ENBD_A_DEVICE_CHANNEL, 2));
}

/* Everything asked for, everything as long as it may be: it must fit. */
static void device_add_with_all(void **state)
{
	static const uint8_t pin[ENBD_SIGNATURE_LEN] = { 0xab };
	struct device_options options = {
		.index = 7, .read_only = true, .hw_queues = 2,
		.queue_depth = 64, .io_timeout = 0, .dead_timeout = 5000,
		.keepalive = 0, .replay = ENBD_REPLAY_FENCED,
		.session = { 1, 2, 3 }, .signature = pin,
	};
	const struct nlattr *nest;
	int i;
	static struct enbd_channel channels[ENBD_MAX_CHANNELS];
	static struct enbd_uri uri;
	struct nlmsghdr *nlh;

	(void)state;
	memset(uri.text, 'u', sizeof(uri.text) - 1);
	memset(uri.export, 'x', ENBD_TEXT_MAX - 1);
	fill(channels, ENBD_MAX_CHANNELS);
	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		channels[i].hello.features = 15;
		channels[i].hello.signature[31] = 0x77;
		channels[i].hello.verifier[0] = (uint8_t)i;
	}
	nlh = start(request, ENBD_NL_DEVICE_ADD);
	msg_put_device_add(nlh, &uri, &options, channels, ENBD_MAX_CHANNELS);
	assert_true(nlh->nlmsg_len < ROOM);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_INDEX, 0)),
			 7);
	assert_non_null(find(nlh, ENBD_A_DEVICE_READ_ONLY, 0));
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_IO_TIMEOUT,
					       0)), 0);
	assert_int_equal(mnl_attr_get_u32(find(nlh,
			 ENBD_A_DEVICE_DEAD_TIMEOUT, 0)), 5000);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_KEEPALIVE,
					       0)), 0);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_REPLAY, 0)),
			 ENBD_REPLAY_FENCED);
	assert_memory_equal(mnl_attr_get_payload(find(nlh,
			    ENBD_A_DEVICE_SESSION_ID, 0)), options.session,
			    ENBD_SESSION_ID_LEN);
	assert_memory_equal(mnl_attr_get_payload(find(nlh,
			    ENBD_A_DEVICE_SIGNATURE, 0)), pin, sizeof(pin));
	nest = find(nlh, ENBD_A_DEVICE_CHANNEL, ENBD_MAX_CHANNELS - 1);
	assert_non_null(nest);
	assert_int_equal(mnl_attr_get_u32(inside(nest,
			 ENBD_A_CHANNEL_FEATURES)), 15);
	assert_memory_equal(mnl_attr_get_payload(inside(nest,
			    ENBD_A_CHANNEL_SIGNATURE)),
			    channels[0].hello.signature, 32);
	assert_memory_equal(mnl_attr_get_payload(inside(nest,
			    ENBD_A_CHANNEL_VERIFIER)),
			    channels[63].hello.verifier, 32);
}

static void adds_channel_as_reserved(void **state)
{
	const struct reservation place = { .index = 5, .incarnation = 9 };
	struct enbd_channel channel;
	struct nlmsghdr *nlh;

	(void)state;
	fill(&channel, 1);
	nlh = start(request, ENBD_NL_CHANNEL_ADD);
	msg_put_channel_add(nlh, 3, &place, &channel);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_CHANNEL_INDEX, 0)),
			 5);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_CHANNEL_INCARNATION,
					       0)), 9);
}

static void sets_what_is_named(void **state)
{
	struct device_options options = no_options();
	struct nlmsghdr *nlh;

	(void)state;
	options.keepalive = 0;
	nlh = start(request, ENBD_NL_DEVICE_SET);
	msg_put_device_set(nlh, 3, &options);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_INDEX, 0)),
			 3);
	assert_int_equal(mnl_attr_get_u32(find(nlh, ENBD_A_DEVICE_KEEPALIVE,
					       0)), 0);
	assert_null(find(nlh, ENBD_A_DEVICE_IO_TIMEOUT, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_REPLAY, 0));
	assert_null(find(nlh, ENBD_A_DEVICE_SESSION_ID, 0));
}

/* A reservation is of use only as a whole. */
static void reads_reservations(void **state)
{
	static const uint8_t id[ENBD_SESSION_ID_LEN] = { 7, 8 };
	struct reservation r;
	struct nlmsghdr *nlh;
	int missing;

	(void)state;
	for (missing = 0; missing < 5; missing++) {
		nlh = start(answer, ENBD_NL_CHANNEL_RESERVE);
		if (missing != 1)
			mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INDEX, 4);
		if (missing != 2)
			mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INCARNATION, 6);
		if (missing != 3)
			mnl_attr_put(nlh, ENBD_A_CHANNEL_SESSION_ID,
				     missing == 4 ? 15 : 16, id);
		mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_FEATURES, 3);
		assert_int_equal(msg_get_reservation(nlh, &r),
				 missing ? -1 : 0);
		if (missing)
			continue;
		assert_int_equal(r.index, 4);
		assert_int_equal(r.incarnation, 6);
		assert_int_equal(r.features, 3);
		assert_memory_equal(r.session, id, sizeof(id));
	}
}

static void reads_lost_ranges(void **state)
{
	struct nlmsghdr *nlh = start(answer, ENBD_NL_LOST_GET);
	struct lost lost;

	(void)state;
	mnl_attr_put_u32(nlh, ENBD_A_LOST_DEVICE_INDEX, 0);
	mnl_attr_put_u64(nlh, ENBD_A_LOST_OFFSET, 1ULL << 40);
	assert_int_equal(msg_get_lost(nlh, &lost), -1);
	mnl_attr_put_u64(nlh, ENBD_A_LOST_LENGTH, 65536);
	assert_int_equal(msg_get_lost(nlh, &lost), 0);
	assert_true(lost.offset == 1ULL << 40);
	assert_int_equal(lost.length, 65536);
}

static void reads_device(void **state)
{
	struct nlmsghdr *nlh = start(answer, ENBD_NL_DEVICE_GET);
	struct device d;

	(void)state;
	assert_int_equal(msg_get_device(nlh, &d), -1);	/* no index */
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_INDEX, 3);
	mnl_attr_put_strz(nlh, ENBD_A_DEVICE_NAME, "ndd");
	mnl_attr_put_u64(nlh, ENBD_A_DEVICE_SIZE, UINT64_MAX / 2);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_FLAGS, ENBD_FLAG_READ_ONLY);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_STATE, ENBD_DEVICE_STATE_PARKED);
	mnl_attr_put_u32(nlh, 200, 1);			/* of a later driver */
	assert_int_equal(msg_get_device(nlh, &d), 0);
	assert_int_equal(d.index, 3);
	assert_string_equal(d.name, "ndd");
	assert_true(d.size == UINT64_MAX / 2);
	assert_true(d.read_only);
	assert_int_equal(d.state, ENBD_DEVICE_STATE_PARKED);
	assert_string_equal(d.uri, "");
	assert_int_equal(d.parked, 0);
}

static void refuses_malformed(void **state)
{
	struct nlmsghdr *nlh = start(answer, ENBD_NL_DEVICE_GET);
	struct channel c;
	struct device d;

	(void)state;
	mnl_attr_put_u64(nlh, ENBD_A_DEVICE_INDEX, 3);
	assert_int_equal(msg_get_device(nlh, &d), -1);

	nlh = start(answer, ENBD_NL_DEVICE_GET);
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_INDEX, 3);
	mnl_attr_put(nlh, ENBD_A_DEVICE_NAME, 3, "abc");	/* no NUL */
	assert_int_equal(msg_get_device(nlh, &d), -1);

	nlh = start(answer, ENBD_NL_CHANNEL_GET);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INDEX, 3);
	assert_int_equal(msg_get_channel(nlh, &c), -1);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_DEVICE_INDEX, 1);
	assert_int_equal(msg_get_channel(nlh, &c), 0);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_REQUESTED, 1);
	assert_int_equal(msg_get_channel(nlh, &c), -1);
}

/* Texts longer than the tool keeps are cut, not written beyond. */
static void cuts_long_texts(void **state)
{
	struct nlmsghdr *nlh = start(answer, ENBD_NL_CHANNEL_GET);
	char longer[1000];
	struct channel c;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INDEX, 0);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_DEVICE_INDEX, 0);
	mnl_attr_put_strz(nlh, ENBD_A_CHANNEL_PEER, longer);
	mnl_attr_put_strz(nlh, ENBD_A_CHANNEL_REASON, longer);
	assert_int_equal(msg_get_channel(nlh, &c), 0);
	assert_int_equal(strlen(c.peer), sizeof(c.peer) - 1);
	assert_int_equal(strlen(c.reason), sizeof(c.reason) - 1);
}

static void reads_events(void **state)
{
	struct nlmsghdr *nlh = start(answer, ENBD_NL_DEVICE_NTF);
	struct event e;

	(void)state;
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_INDEX, 3);
	assert_int_equal(msg_get_event(nlh, &e), -1);	/* what happened? */
	mnl_attr_put_u32(nlh, ENBD_A_DEVICE_EVENT, ENBD_EVENT_DEVICE_RESIZE);
	mnl_attr_put_u64(nlh, ENBD_A_DEVICE_SIZE, 1ULL << 40);
	mnl_attr_put_strz(nlh, ENBD_A_DEVICE_NAME, "ndd");
	assert_int_equal(msg_get_event(nlh, &e), 0);
	assert_false(e.is_channel);
	assert_int_equal(e.device, 3);
	assert_string_equal(e.name, "ndd");
	assert_int_equal(e.event, ENBD_EVENT_DEVICE_RESIZE);
	assert_true(e.size == 1ULL << 40);

	nlh = start(answer, ENBD_NL_CHANNEL_NTF);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_DEVICE_INDEX, 3);
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_EVENT, ENBD_EVENT_CHANNEL_LOST);
	assert_int_equal(msg_get_event(nlh, &e), -1);	/* which channel? */
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_INDEX, 2);
	mnl_attr_put_strz(nlh, ENBD_A_CHANNEL_REASON, "why");
	assert_int_equal(msg_get_event(nlh, &e), 0);
	assert_true(e.is_channel);
	assert_int_equal(e.channel, 2);
	assert_string_equal(e.reason, "why");
	assert_false(e.has_state);	/* none is not the first of them */
	mnl_attr_put_u32(nlh, ENBD_A_CHANNEL_STATE, ENBD_CHANNEL_STATE_LIVE);
	assert_int_equal(msg_get_event(nlh, &e), 0);
	assert_true(e.has_state);

	nlh = start(answer, ENBD_NL_DEVICE_ADD);	/* is no event */
	assert_int_equal(msg_get_event(nlh, &e), -1);
}

static uint32_t offset(const struct nlattr *attr)
{
	return (uint32_t)((const char *)attr - request);
}

static void names_attributes(void **state)
{
	struct device_options options = no_options();
	struct enbd_channel channels[2];
	struct enbd_uri uri = { .text = "u", .export = "x" };
	const struct nlattr *nest;
	struct nlmsghdr *nlh;

	(void)state;
	fill(channels, 2);
	nlh = start(request, ENBD_NL_DEVICE_ADD);
	msg_put_device_add(nlh, &uri, &options, channels, 2);
	assert_string_equal(nl_attr_at(nlh, offset(find(nlh,
			    ENBD_A_DEVICE_URI, 0))), "uri");
	nest = find(nlh, ENBD_A_DEVICE_CHANNEL, 1);
	assert_string_equal(nl_attr_at(nlh, offset(nest)), "channel");
	assert_string_equal(nl_attr_at(nlh, offset(inside(nest,
			    ENBD_A_CHANNEL_FD))), "fd");
	assert_string_equal(nl_attr_at(nlh, offset(nest) + 5), "channel");
	assert_null(nl_attr_at(nlh, 0));
	assert_null(nl_attr_at(nlh, nlh->nlmsg_len));
	assert_null(nl_attr_at(nlh, UINT32_MAX));

	nlh = start(request, ENBD_NL_CHANNEL_ADD);
	msg_put_channel_add(nlh, 3, &some_place, channels);
	assert_string_equal(nl_attr_at(nlh, offset(find(nlh,
			    ENBD_A_CHANNEL_SIZE, 0))), "size");
}

/* An acknowledgement as the kernel makes it with EXT_ACK and CAP_ACK */
static struct nlmsghdr *refusal(int error, const char *text, uint32_t at)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(memset(answer, 0, ROOM));
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_flags = NLM_F_CAPPED;
	e->error = -error;
	memcpy(&e->msg, request, sizeof(e->msg));
	if (text || at)
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
	if (text)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	if (at)
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, at);
	return nlh;
}

static void explains_refusals(void **state)
{
	struct enbd_channel channel;
	struct nlmsghdr *req, *nlh;
	struct enbd_err err;

	(void)state;
	fill(&channel, 1);
	req = start(request, ENBD_NL_CHANNEL_ADD);
	msg_put_channel_add(req, 3, &some_place, &channel);

	nlh = refusal(0, NULL, 0);
	assert_int_equal(nl_error_number(nlh), 0);

	nlh = refusal(ENOTSOCK, "not a socket",
		      offset(find(req, ENBD_A_CHANNEL_FD, 0)));
	assert_int_equal(nl_error_number(nlh), ENOTSOCK);
	assert_int_equal(nl_error_fill(nlh, req, ENOTSOCK, &err), -1);
	assert_string_equal(err.text, "not a socket (fd)");
	assert_int_equal(err.code, ENBD_EXIT_GENERAL);

	nlh = refusal(EBUSY, NULL, 0);
	nl_error_fill(nlh, req, EBUSY, &err);
	assert_string_equal(err.text, strerror(EBUSY));
	assert_int_equal(err.code, ENBD_EXIT_BUSY);

	nlh = refusal(ENODEV, "no such device", 0);
	nl_error_fill(nlh, req, ENODEV, &err);
	assert_string_equal(err.text, "no such device");
	assert_int_equal(err.code, ENBD_EXIT_NOT_CONNECTED);

	nlh = refusal(EKEYREJECTED, "another server", 0);
	nl_error_fill(nlh, req, EKEYREJECTED, &err);
	assert_int_equal(err.code, ENBD_EXIT_IDENTITY);
	assert_int_equal(err.error, EKEYREJECTED);
	enbd_fail(&err, ENBD_EXIT_GENERAL, "something else");
	assert_int_equal(err.error, 0);

	nlh = refusal(EPERM, NULL, 0);
	nl_error_fill(nlh, req, EPERM, &err);
	assert_non_null(strstr(err.text, "root"));
	assert_int_equal(err.code, ENBD_EXIT_GENERAL);
}

/* Whatever is in a refusal, nothing is read beyond it. */
static void short_refusals(void **state)
{
	struct nlmsghdr *req = start(request, ENBD_NL_CHANNEL_ADD), *nlh;
	struct enbd_err err;
	uint32_t len, full;
	char *tight;

	(void)state;
	full = refusal(EINVAL, "text", 24)->nlmsg_len;
	for (len = NLMSG_HDRLEN; len <= full; len += 2) {
		tight = test_calloc(1, MNL_ALIGN(len));
		memcpy(tight, answer, len);
		nlh = (struct nlmsghdr *)tight;
		nlh->nlmsg_len = len;
		if (nl_error_number(nlh))
			nl_error_fill(nlh, req, EINVAL, &err);
		nlh->nlmsg_flags &= (uint16_t)~NLM_F_CAPPED;
		nl_error_fill(nlh, req, EINVAL, &err);
		nlh->nlmsg_type = NLMSG_DONE;
		nl_error_fill(nlh, req, EINVAL, &err);
		nl_error_number(nlh);
		test_free(tight);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_add_with_defaults),
		cmocka_unit_test(device_add_with_all),
		cmocka_unit_test(adds_channel_as_reserved),
		cmocka_unit_test(sets_what_is_named),
		cmocka_unit_test(reads_reservations),
		cmocka_unit_test(reads_lost_ranges),
		cmocka_unit_test(reads_device),
		cmocka_unit_test(refuses_malformed),
		cmocka_unit_test(cuts_long_texts),
		cmocka_unit_test(reads_events),
		cmocka_unit_test(names_attributes),
		cmocka_unit_test(explains_refusals),
		cmocka_unit_test(short_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
