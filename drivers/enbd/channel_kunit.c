// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of channel.c: its end. There is no socket; what is done to one is
 * noted, and what it says is set by the test.
 */
#define NOTRACE

#include <kunit/test.h>

/* Other tests have their own */
#define enbd_channel_queue test_channel_queue
#define enbd_channel_kick test_channel_kick
#define enbd_channel_lose test_channel_lose
#include "channel.c"

/* Does the server close the connection in order? */
static bool ends;
/* Channel that is cut while its end is waited for */
static struct enbd_channel *cut;
/* How often a socket was reset, and the session called */
static unsigned int aborted, attended;

int enbd_sock_init(void)
{
	return 0;
}

void enbd_sock_exit(void)
{
}

int enbd_sock_attach(struct enbd_sock *s, struct socket *sock,
		     void (*wake)(void *priv), void *priv,
		     struct netlink_ext_ack *extack)
{
	s->sock = sock;
	return 0;
}

void enbd_sock_detach(struct enbd_sock *s)
{
}

void enbd_sock_abort(struct socket *sock, int err)
{
	aborted++;
}

void enbd_sock_put(struct socket *sock)
{
}

void enbd_sock_names(struct socket *sock, char *local, char *peer)
{
}

bool enbd_sock_ended(const struct enbd_sock *s, int *err)
{
	return false;
}

bool enbd_sock_await_end(struct socket *sock, unsigned int ms)
{
	if (cut)
		enbd_channel_cut(cut);
	return ends;
}

int enbd_tx_init(struct enbd_tx *tx)
{
	return 0;
}

void enbd_tx_free(struct enbd_tx *tx)
{
}

int enbd_tx_push(struct enbd_channel *ch)
{
	return 0;
}

bool enbd_tx_disc(struct enbd_channel *ch)
{
	return true;
}

void enbd_rxq_init(struct enbd_channel *ch)
{
}

int enbd_rxq_pull(struct enbd_channel *ch)
{
	return 0;
}

static void test_attend(struct enbd_channel *ch)
{
	attended++;
}

static const struct enbd_channel_ops test_ops = {
	.attend = test_attend,
};

static struct enbd_channel *channel(struct kunit *test)
{
	struct enbd_channel *ch;

	ch = enbd_channel_new(NULL, ENBD_REPLY_FORMAT_SIMPLE, "nda", &test_ops,
			      NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	return ch;
}

/*
 * A submitter may queue the work after the channel was stopped, as long as the
 * session waits for it. Who frees it then is told by KASAN and debug objects.
 */
static void channel_freed_with_work(struct kunit *test)
{
	struct enbd_channel *ch = channel(test);

	set_bit(ENBD_CHANNEL_DYING, &ch->bits);
	enbd_channel_start(ch);
	enbd_channel_put(ch);
	flush_workqueue(enbd_wq);
}

/* What becomes of a channel that is told goodbye, and may be cut meanwhile. */
static u32 leave(struct kunit *test, bool cut_it)
{
	struct enbd_channel *ch = channel(test);
	struct socket sock = {};
	u32 how;

	KUNIT_ASSERT_EQ(test, enbd_channel_open(ch, &sock, false, NULL), 0);
	aborted = 0;
	attended = 0;
	cut = cut_it ? ch : NULL;
	enbd_channel_stop(ch, ENBD_STOP_LEAVE);
	enbd_channel_flush(ch);
	KUNIT_EXPECT_NULL(test, ch->closing);
	KUNIT_EXPECT_EQ(test, attended, 1);
	how = ch->leave;
	enbd_channel_put(ch);
	return how;
}

static void channel_ended(struct kunit *test)
{
	ends = true;
	KUNIT_EXPECT_EQ(test, leave(test, false), ENBD_LEAVE_ENDED);
	KUNIT_EXPECT_EQ(test, aborted, 0);
}

static void channel_silent(struct kunit *test)
{
	ends = false;
	KUNIT_EXPECT_EQ(test, leave(test, false), ENBD_LEAVE_SILENT);
	KUNIT_EXPECT_EQ(test, aborted, 1);
}

/* A Unix socket that we shut down ourselves ends in order */
static void channel_cut(struct kunit *test)
{
	ends = true;
	KUNIT_EXPECT_EQ(test, leave(test, true), ENBD_LEAVE_SILENT);
	KUNIT_EXPECT_EQ(test, aborted, 1);
}

static struct kunit_case channel_cases[] = {
	KUNIT_CASE(channel_ended),
	KUNIT_CASE(channel_silent),
	KUNIT_CASE(channel_cut),
	KUNIT_CASE(channel_freed_with_work),
	{}
};

static int channel_suite_init(struct kunit_suite *suite)
{
	return enbd_channel_init();
}

static void channel_suite_exit(struct kunit_suite *suite)
{
	if (enbd_wq)
		enbd_channel_exit();
}

static struct kunit_suite channel_suite = {
	.name = "enbd_channel",
	.suite_init = channel_suite_init,
	.suite_exit = channel_suite_exit,
	.test_cases = channel_cases,
};

kunit_test_suite(channel_suite);
