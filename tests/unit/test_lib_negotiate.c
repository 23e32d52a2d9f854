// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake against servers that are a list of bytes: each test says what
 * the server will send, and looks at what the client made of it and sent.
 */
#include "nego_script.h"

static void greets(void **state)
{
	static const struct {
		uint16_t flags;
		uint32_t answer;
	} table[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 }, { 0xffff, 3 },
	};
	size_t i;
	uint32_t answer;

	for (i = 0; i < 5; i++) {
		setup(state);
		greeting(table[i].flags);
		assert_int_equal(greet(), 0);
		assert_int_equal(script.in_len, 4);
		memcpy(&answer, script.in, 4);
		assert_int_equal(be32toh(answer), table[i].answer);
	}
}

static void not_nbd(void **state)
{
	(void)state;
	bytes("SSH-2.0-\x1b", 8);
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "\"SSH-2.0-\"");
	assert_int_equal(script.in_len, 0);
}

static void not_nbd_is_shown_clean(void **state)
{
	(void)state;
	bytes("\x1b[2J\a\n\xff\x9b", 8);
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "\"?[2J????\"");
}

static void oldstyle(void **state)
{
	(void)state;
	be(ENBD_NBDMAGIC, 8);
	be(ENBD_OLDSTYLE_MAGIC, 8);
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "oldstyle");
}

static void second_magic_wrong(void **state)
{
	(void)state;
	be(ENBD_NBDMAGIC, 8);
	be(ENBD_IHAVEOPT + 1, 8);
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "magic");
}

static void silence_and_end(void **state)
{
	(void)state;
	script.at_end = -ETIMEDOUT;
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "within 10 s");
	setup(state);
	be(ENBD_NBDMAGIC, 7);
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "closed the connection");
	setup(state);
	script.at_end = -ECONNRESET;
	assert_int_equal(greet(), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "closed the connection");
}

static void formats(void **state)
{
	static const struct {
		enum enbd_reply_format limit;
		uint32_t extended, structured;	/* answers, 0 for not asked */
		enum enbd_reply_format got;
	} table[] = {
		{ ENBD_REPLY_FORMAT_SIMPLE, 0, 0, ENBD_REPLY_FORMAT_SIMPLE },
		{ ENBD_REPLY_FORMAT_STRUCTURED, 0, ENBD_REP_ACK,
		  ENBD_REPLY_FORMAT_STRUCTURED },
		{ ENBD_REPLY_FORMAT_STRUCTURED, 0, ENBD_REP_ERR_UNSUP,
		  ENBD_REPLY_FORMAT_SIMPLE },
		{ ENBD_REPLY_FORMAT_EXTENDED, ENBD_REP_ACK, 0,
		  ENBD_REPLY_FORMAT_EXTENDED },
		{ ENBD_REPLY_FORMAT_EXTENDED, ENBD_REP_ERR_UNSUP, ENBD_REP_ACK,
		  ENBD_REPLY_FORMAT_STRUCTURED },
		{ ENBD_REPLY_FORMAT_EXTENDED, ENBD_REP_ERR_POLICY,
		  ENBD_REP_ERR_INVALID, ENBD_REPLY_FORMAT_SIMPLE },
	};
	size_t i, at;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setup(state);
		begin();
		if (table[i].extended)
			reply(ENBD_OPT_EXTENDED_HEADERS, table[i].extended, 0);
		if (table[i].structured)
			reply(ENBD_OPT_STRUCTURED_REPLY, table[i].structured,
			      0);
		assert_int_equal(enbd_nego_formats(&nego, table[i].limit, &err),
				 0);
		assert_int_equal(nego.format, table[i].got);
		at = 0;
		if (table[i].extended)
			at = sent_option(at, ENBD_OPT_EXTENDED_HEADERS, NULL,
					 0);
		if (table[i].structured)
			at = sent_option(at, ENBD_OPT_STRUCTURED_REPLY, NULL,
					 0);
		assert_int_equal(script.in_len, at);
		assert_int_equal(script.out_pos, script.out_len);
	}
}

static void tls_wanted(void **state)
{
	(void)state;
	begin();
	reply(ENBD_OPT_EXTENDED_HEADERS, ENBD_REP_ERR_TLS_REQD, 0);
	assert_int_equal(enbd_nego_formats(&nego, ENBD_REPLY_FORMAT_EXTENDED,
					   &err), -1);
	failed_with(ENBD_EXIT_IDENTITY, "TLS");
}

static void goes(void **state)
{
	static const uint8_t request[] = {
		0, 0, 0, 4, 'd', 'i', 's', 'k', 0, 1, 0, ENBD_INFO_BLOCK_SIZE,
	};

	(void)state;
	begin();
	info_blocks(ENBD_OPT_GO, 1, 65536, 1 << 20);
	reply(ENBD_OPT_GO, ENBD_REP_INFO, 5);		/* not known */
	be(4711, 2);
	bytes("abc", 3);
	info_export(ENBD_OPT_GO, 1ULL << 40, ENBD_FLAG_HAS_FLAGS |
		    ENBD_FLAG_CAN_MULTI_CONN);
	reply(ENBD_OPT_GO, ENBD_REP_ACK, 0);
	be(0x6744669800000000, 8);		/* already transmission */
	assert_int_equal(enbd_nego_go(&nego, "disk", &export, &err), 0);
	assert_true(nego.transmission);
	assert_int_equal(sent_option(0, ENBD_OPT_GO, request, sizeof(request)),
			 script.in_len);
	assert_int_equal(script.out_len - script.out_pos, 8);
	assert_true(export.size == 1ULL << 40);
	assert_int_equal(export.flags, 0x101);
	assert_true(export.block_sizes);
	assert_int_equal(export.block_min, 1);
	assert_int_equal(export.block_pref, 65536);
	assert_int_equal(export.block_max, 1 << 20);
}

static void goes_without_block_sizes(void **state)
{
	(void)state;
	begin();
	info_export(ENBD_OPT_GO, 512, 1);
	reply(ENBD_OPT_GO, ENBD_REP_ACK, 0);
	assert_int_equal(enbd_nego_go(&nego, "", &export, &err), 0);
	assert_false(export.block_sizes);
	assert_int_equal(export.block_min, 512);
	assert_int_equal(export.block_pref, 4096);
	assert_int_equal(export.block_max, 32 << 20);
}

static void go_unsupported(void **state)
{
	size_t at;

	(void)state;
	begin();
	reply(ENBD_OPT_GO, ENBD_REP_ERR_UNSUP, 3);
	bytes("old", 3);
	be(4096, 8);
	be(3, 2);
	be(0, 1);				/* already transmission */
	assert_int_equal(enbd_nego_go(&nego, "x", &export, &err), 0);
	assert_true(nego.transmission);
	assert_int_equal(export.size, 4096);
	assert_int_equal(export.flags, 3);
	at = sent_option(0, ENBD_OPT_GO, "\0\0\0\1x\0\1\0\3", 9);
	at = sent_option(at, ENBD_OPT_EXPORT_NAME, "x", 1);
	assert_int_equal(script.in_len, at);
	assert_int_equal(script.out_len - script.out_pos, 1);
}

/* Not even fixed newstyle: no option but EXPORT_NAME, and the zeroes */
static void plain_newstyle(void **state)
{
	int i;

	(void)state;
	greeting(0);
	assert_int_equal(greet(), 0);
	script.in_len = 0;
	assert_int_equal(enbd_nego_formats(&nego, ENBD_REPLY_FORMAT_EXTENDED,
					   &err), 0);
	assert_int_equal(nego.format, ENBD_REPLY_FORMAT_SIMPLE);
	be(1 << 20, 8);
	be(1, 2);
	for (i = 0; i < 31; i++)
		be(0, 4);
	be(1, 1);
	assert_int_equal(enbd_nego_go(&nego, "x", &export, &err), 0);
	assert_int_equal(sent_option(0, ENBD_OPT_EXPORT_NAME, "x", 1),
			 script.in_len);
	assert_int_equal(script.out_len - script.out_pos, 1);
}

static void export_name_unknown(void **state)
{
	(void)state;
	greeting(0);
	assert_int_equal(greet(), 0);
	assert_int_equal(enbd_nego_go(&nego, "x", &export, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "do not know the export");
}

static void go_refused(void **state)
{
	static const struct {
		uint32_t type;
		int code;
		const char *text;
	} table[] = {
		{ ENBD_REP_ERR_POLICY, ENBD_EXIT_NEGOTIATION, "policy" },
		{ ENBD_REP_ERR_INVALID, ENBD_EXIT_NEGOTIATION, "invalid" },
		{ ENBD_REP_ERR_PLATFORM, ENBD_EXIT_NEGOTIATION, "platform" },
		{ ENBD_REP_ERR_TLS_REQD, ENBD_EXIT_IDENTITY, "TLS" },
		{ ENBD_REP_ERR_UNKNOWN, ENBD_EXIT_NEGOTIATION,
		  "unknown export" },
		{ ENBD_REP_ERR_SHUTDOWN, ENBD_EXIT_NEGOTIATION,
		  "shutting down" },
		{ ENBD_REP_ERR_BLOCK_SIZE_REQD, ENBD_EXIT_NEGOTIATION,
		  "block sizes" },
		{ ENBD_REP_ERR_TOO_BIG, ENBD_EXIT_NEGOTIATION, "too big" },
		{ ENBD_REP_ERR_EXT_HEADER_REQD, ENBD_EXIT_NEGOTIATION,
		  "extended headers" },
		{ ENBD_REP_ERR_BIT + 0x7fff, ENBD_EXIT_NEGOTIATION,
		  "refused" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setup(state);
		begin();
		reply(ENBD_OPT_GO, table[i].type, 8);
		bytes("no\x1b[0m\n!", 8);
		assert_int_equal(enbd_nego_go(&nego, "disk", &export, &err),
				 -1);
		failed_with(table[i].code, table[i].text);
		if (table[i].code == ENBD_EXIT_NEGOTIATION) {
			failed_with(table[i].code, "no?[0m?!");
			failed_with(table[i].code, "\"disk\"");
			failed_with(table[i].code, "GO");
		}
		assert_false(nego.transmission);
	}
}

/* Each reply that a server must not give; the parts after the reply header */
static void protocol_errors(void **state)
{
	enum { MAGIC, OPTION, TYPE, HUGE_LEN, SHORT, EXPORT_LEN, BLOCK_LEN,
	       NO_EXPORT, TRUNCATED, LONG_NAME, CASES };
	static const char *const texts[CASES] = {
		"magic", "another option", "unexpected type", "4294967295",
		"two bytes", "INFO_EXPORT", "INFO_BLOCK_SIZE", "size of the",
		"closed the connection", "4096 bytes",
	};
	uint8_t long_name[ENBD_MAX_STRING + 1];
	int i;

	for (i = 0; i < CASES; i++) {
		setup(state);
		begin();
		switch (i) {
		case MAGIC:
			be(ENBD_OPT_REPLY_MAGIC + 1, 8);
			be(ENBD_OPT_GO, 4);
			be(ENBD_REP_ACK, 4);
			be(0, 4);
			break;
		case OPTION:
			reply(ENBD_OPT_LIST, ENBD_REP_ACK, 0);
			break;
		case TYPE:
			reply(ENBD_OPT_GO, ENBD_REP_SERVER, 0);
			break;
		case HUGE_LEN:
			reply(ENBD_OPT_GO, ENBD_REP_INFO, UINT32_MAX);
			break;
		case SHORT:
			reply(ENBD_OPT_GO, ENBD_REP_INFO, 1);
			be(0, 1);
			break;
		case EXPORT_LEN:
			reply(ENBD_OPT_GO, ENBD_REP_INFO, 11);
			be(ENBD_INFO_EXPORT, 2);
			be(0, 8);
			be(0, 1);
			break;
		case BLOCK_LEN:
			reply(ENBD_OPT_GO, ENBD_REP_INFO, 2);
			be(ENBD_INFO_BLOCK_SIZE, 2);
			break;
		case NO_EXPORT:
			reply(ENBD_OPT_GO, ENBD_REP_ACK, 0);
			break;
		case TRUNCATED:
			reply(ENBD_OPT_GO, ENBD_REP_INFO, 12);
			be(ENBD_INFO_EXPORT, 2);
			break;
		case LONG_NAME:
			reply(ENBD_OPT_GO, ENBD_REP_INFO,
			      2 + sizeof(long_name));
			be(ENBD_INFO_NAME, 2);
			memset(long_name, 'x', sizeof(long_name));
			bytes(long_name, sizeof(long_name));
			break;
		}
		assert_int_equal(enbd_nego_go(&nego, "", &export, &err), -1);
		failed_with(ENBD_EXIT_NEGOTIATION, texts[i]);
	}
}

static void block_sizes(void **state)
{
	static const struct {
		uint32_t min, pref, max;
		int rc;
	} table[] = {
		{ 1, 512, 1, 0 },
		{ 512, 4096, UINT32_MAX, 0 },
		{ 4096, 4096, 4096, 0 },
		{ 65536, 65536, 1 << 25, 0 },
		{ 0, 4096, 1 << 25, -1 },
		{ 3, 4096, 3000, -1 },
		{ 131072, 131072, 1 << 25, -1 },
		{ 512, 0, 1 << 25, -1 },
		{ 512, 256, 1 << 25, -1 },
		{ 4096, 512, 1 << 25, -1 },
		{ 512, 3000, 1 << 25, -1 },
		{ 512, 4096, 0, -1 },
		{ 512, 4096, 1000, -1 },
		{ 4096, 4096, 512, -1 },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setup(state);
		begin();
		info_export(ENBD_OPT_GO, 1 << 20, 1);
		info_blocks(ENBD_OPT_GO, table[i].min, table[i].pref,
			    table[i].max);
		if (!table[i].rc)
			reply(ENBD_OPT_GO, ENBD_REP_ACK, 0);
		assert_int_equal(enbd_nego_go(&nego, "", &export, &err),
				 table[i].rc);
		if (table[i].rc)
			failed_with(ENBD_EXIT_NEGOTIATION, "block sizes");
	}
}

static void endless_infos(void **state)
{
	int i;

	(void)state;
	begin();
	for (i = 0; i < ENBD_NEGO_INFOS_MAX; i++)
		info_export(ENBD_OPT_GO, 1 << 20, 1);
	reply(ENBD_OPT_GO, ENBD_REP_INFO, 0);
	assert_int_equal(enbd_nego_go(&nego, "", &export, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "endless");
}

static void informs(void **state)
{
	(void)state;
	begin();
	info_export(ENBD_OPT_INFO, 1 << 20, 1);
	reply(ENBD_OPT_INFO, ENBD_REP_INFO, 5);
	be(ENBD_INFO_NAME, 2);
	bytes("abc", 3);
	reply(ENBD_OPT_INFO, ENBD_REP_INFO, 4);
	be(ENBD_INFO_DESCRIPTION, 2);
	bytes("de", 2);
	reply(ENBD_OPT_INFO, ENBD_REP_ACK, 0);
	assert_int_equal(enbd_nego_info(&nego, "x", &export, &err), 0);
	assert_false(nego.transmission);
	assert_int_equal(export.size, 1 << 20);
	assert_string_equal(nego.name, "abc");
	assert_string_equal(nego.description, "de");
	script.in_len = 0;
	enbd_nego_end(&nego);
	assert_int_equal(sent_option(0, ENBD_OPT_ABORT, NULL, 0),
			 script.in_len);
}

/* nbd-server answers INFO, but with a size of 0. */
static void info_without_size(void **state)
{
	(void)state;
	begin();
	info_export(ENBD_OPT_INFO, 0, 1);
	reply(ENBD_OPT_INFO, ENBD_REP_ACK, 0);
	info_export(ENBD_OPT_GO, 1 << 20, 3);
	reply(ENBD_OPT_GO, ENBD_REP_ACK, 0);
	assert_int_equal(enbd_nego_info(&nego, "x", &export, &err), 0);
	assert_int_equal(export.size, 1 << 20);
	assert_true(nego.transmission);
}

static void ends_transmission(void **state)
{
	struct enbd_ext_request ext;
	struct enbd_request req;

	(void)state;
	begin();
	nego.transmission = true;
	nego.format = ENBD_REPLY_FORMAT_STRUCTURED;
	enbd_nego_end(&nego);
	assert_int_equal(script.in_len, sizeof(req));
	memcpy(&req, script.in, sizeof(req));
	assert_int_equal(be32toh(req.magic), ENBD_REQUEST_MAGIC);
	assert_int_equal(be16toh(req.type), ENBD_CMD_DISC);
	script.in_len = 0;
	nego.format = ENBD_REPLY_FORMAT_EXTENDED;
	enbd_nego_end(&nego);
	assert_int_equal(script.in_len, sizeof(ext));
	memcpy(&ext, script.in, sizeof(ext));
	assert_int_equal(be32toh(ext.magic), ENBD_EXT_REQUEST_MAGIC);
	assert_int_equal(be16toh(ext.type), ENBD_CMD_DISC);
}

static char names[256];

static int collect(void *arg, const char *name, const char *description,
		   struct enbd_err *e)
{
	(void)e;
	assert_ptr_equal(arg, names);
	strcat(strcat(strcat(strcat(names, name), "="), description), ";");
	return 0;
}

static void lists(void **state)
{
	(void)state;
	names[0] = '\0';
	begin();
	reply(ENBD_OPT_LIST, ENBD_REP_SERVER, 4);
	be(0, 4);
	reply(ENBD_OPT_LIST, ENBD_REP_SERVER, 9);
	be(2, 4);
	bytes("ab" "cde", 5);
	reply(ENBD_OPT_LIST, ENBD_REP_ACK, 0);
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), 0);
	assert_string_equal(names, "=;ab=cde;");
}

static void list_errors(void **state)
{
	names[0] = '\0';
	begin();
	reply(ENBD_OPT_LIST, ENBD_REP_SERVER, 3);
	be(0, 3);
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "without a name");

	setup(state);
	begin();
	reply(ENBD_OPT_LIST, ENBD_REP_SERVER, 6);
	be(3, 4);
	be(0, 2);
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "longer than its reply");

	setup(state);
	begin();
	reply(ENBD_OPT_LIST, ENBD_REP_ERR_POLICY, 0);
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "policy");

	setup(state);
	greeting(0);
	assert_int_equal(greet(), 0);
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "too old");
}

static void options_are_counted(void **state)
{
	int i;

	(void)state;
	begin();
	for (i = 0; i < ENBD_NEGO_OPTIONS_MAX; i++) {
		reply(ENBD_OPT_LIST, ENBD_REP_ACK, 0);
		assert_int_equal(enbd_nego_list(&nego, collect, names, &err),
				 0);
	}
	assert_int_equal(enbd_nego_list(&nego, collect, names, &err), -1);
	failed_with(ENBD_EXIT_NEGOTIATION, "more options");
}

static void checks_exports(void **state)
{
	(void)state;
	export.size = 0;
	assert_int_equal(enbd_export_check(&export, "s", "x", &err), -1);
	assert_int_equal(err.code, ENBD_EXIT_NEGOTIATION);
	export.size = 1ULL << 63;
	assert_int_equal(enbd_export_check(&export, "s", "x", &err), -1);
	export.size = (1ULL << 63) - 1;
	assert_int_equal(enbd_export_check(&export, "s", "x", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(greets, setup),
		cmocka_unit_test_setup(not_nbd, setup),
		cmocka_unit_test_setup(not_nbd_is_shown_clean, setup),
		cmocka_unit_test_setup(oldstyle, setup),
		cmocka_unit_test_setup(second_magic_wrong, setup),
		cmocka_unit_test_setup(silence_and_end, setup),
		cmocka_unit_test_setup(formats, setup),
		cmocka_unit_test_setup(tls_wanted, setup),
		cmocka_unit_test_setup(goes, setup),
		cmocka_unit_test_setup(goes_without_block_sizes, setup),
		cmocka_unit_test_setup(go_unsupported, setup),
		cmocka_unit_test_setup(plain_newstyle, setup),
		cmocka_unit_test_setup(export_name_unknown, setup),
		cmocka_unit_test_setup(go_refused, setup),
		cmocka_unit_test_setup(protocol_errors, setup),
		cmocka_unit_test_setup(block_sizes, setup),
		cmocka_unit_test_setup(endless_infos, setup),
		cmocka_unit_test_setup(informs, setup),
		cmocka_unit_test_setup(info_without_size, setup),
		cmocka_unit_test_setup(ends_transmission, setup),
		cmocka_unit_test_setup(lists, setup),
		cmocka_unit_test_setup(list_errors, setup),
		cmocka_unit_test_setup(options_are_counted, setup),
		cmocka_unit_test_setup(checks_exports, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
