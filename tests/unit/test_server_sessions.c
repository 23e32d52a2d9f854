// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/sessions.c */
/* Who may bind, who is stopped, when a fence is answered, what is forgotten. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/enbd-server/sessions.h"
#include "tools/enbd-server/util.h"

/* A connection that only counts what it is told */
struct peer {
	struct binding binding;
	unsigned int stopped;
	unsigned int retired;
};

/* A fence, and the answer to it */
struct ask {
	struct fence fence;
	struct fence_item items[ENBD_EXT_MAX_CHANNELS];
	unsigned int answers;
	int error;
};

static const uint8_t one[ENBD_EXT_SESSION_LEN] = "session number 1";
static const uint8_t two[ENBD_EXT_SESSION_LEN] = "session number 2";

static void stop(struct binding *binding)
{
	container_of(binding, struct peer, binding)->stopped++;
}

static void retire(struct binding *binding)
{
	container_of(binding, struct peer, binding)->retired++;
}

static const struct binding_ops ops = { .stop = stop, .retire = retire };

static void answered(struct fence *fence, int error)
{
	struct ask *ask = container_of(fence, struct ask, fence);

	ask->answers++;
	ask->error = error;
}

static void join(struct sessions *s, struct peer *peer)
{
	memset(peer, 0, sizeof(*peer));
	peer->binding.ops = &ops;
	sessions_join(s, &peer->binding);
}

static int bind_peer(struct sessions *s, struct peer *peer, const uint8_t *id,
		     uint32_t channel, uint32_t incarnation)
{
	join(s, peer);
	return sessions_bind(s, &peer->binding, id, channel, incarnation);
}

static void leave(struct sessions *s, struct peer *peer)
{
	sessions_cancel(s, &peer->binding);
	sessions_leave(s, &peer->binding);
}

static int fence(struct sessions *s, struct peer *asker, struct ask *ask,
		 uint32_t channel, uint32_t incarnation)
{
	memset(ask, 0, sizeof(*ask));
	ask->items[0].channel = channel;
	ask->items[0].incarnation = incarnation;
	ask->fence.items = ask->items;
	ask->fence.count = 1;
	ask->fence.done = answered;
	return sessions_fence(s, &asker->binding, &ask->fence);
}

static void test_bind(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b, c;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 5), 0);
	/* Twice on one connection */
	assert_int_equal(sessions_bind(s, &a.binding, one, 1, 1), -EINVAL);
	/* Equal and lower */
	assert_int_equal(bind_peer(s, &b, one, 0, 5), -EPERM);
	assert_int_equal(sessions_bind(s, &b.binding, one, 0, 4), -EPERM);
	/* What cannot be */
	assert_int_equal(sessions_bind(s, &b.binding, one, 0, 0), -EINVAL);
	assert_int_equal(sessions_bind(s, &b.binding, one, 64, 1), -EINVAL);
	/* Another channel, another session */
	assert_int_equal(sessions_bind(s, &b.binding, one, 63, 1), 0);
	assert_int_equal(bind_peer(s, &c, two, 0, 5), 0);
	leave(s, &c);
	leave(s, &a);
	/* It is remembered after the connection has gone. */
	assert_int_equal(bind_peer(s, &a, one, 0, 5), -EPERM);
	assert_int_equal(sessions_bind(s, &a.binding, one, 0, 6), 0);
	leave(s, &a);
	leave(s, &b);
	assert_int_equal(sessions_count(s), 2);
	sessions_destroy(s);
}

static void test_fence_waits(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b, late;
	struct ask ask;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	assert_int_equal(bind_peer(s, &b, one, 1, 1), 0);
	assert_int_equal(fence(s, &b, &ask, 0, 1), 0);
	assert_int_equal(a.stopped, 1);
	assert_int_equal(b.stopped, 0);
	assert_int_equal(ask.answers, 0);
	/* The incarnation is over, the next one is not. */
	assert_int_equal(bind_peer(s, &late, one, 0, 1), -EPERM);
	assert_int_equal(sessions_bind(s, &late.binding, one, 0, 2), 0);
	leave(s, &late);
	assert_int_equal(ask.answers, 0);
	leave(s, &a);
	assert_int_equal(ask.answers, 1);
	assert_int_equal(ask.error, 0);
	leave(s, &b);
	sessions_destroy(s);
}

/* Old connections of a channel may still be ending when a new one is there. */
static void test_fence_covers(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer old, older, newer, asker;
	struct ask ask;

	(void)state;
	assert_int_equal(bind_peer(s, &older, one, 3, 1), 0);
	assert_int_equal(bind_peer(s, &old, one, 3, 2), 0);
	assert_int_equal(bind_peer(s, &newer, one, 3, 3), 0);
	assert_int_equal(bind_peer(s, &asker, one, 4, 1), 0);
	assert_int_equal(fence(s, &asker, &ask, 3, 2), 0);
	assert_int_equal(older.stopped, 1);
	assert_int_equal(old.stopped, 1);
	assert_int_equal(newer.stopped, 0);
	leave(s, &old);
	leave(s, &newer);
	assert_int_equal(ask.answers, 0);
	leave(s, &older);
	assert_int_equal(ask.answers, 1);
	leave(s, &asker);
	sessions_destroy(s);
}

static void test_fence_unknown(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b;
	struct ask ask;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	/* Never seen: answered at once, and refused ever after */
	assert_int_equal(fence(s, &a, &ask, 7, 9), 0);
	assert_int_equal(ask.answers, 1);
	assert_int_equal(ask.error, 0);
	assert_int_equal(bind_peer(s, &b, one, 7, 9), -EPERM);
	assert_int_equal(sessions_bind(s, &b.binding, two, 7, 9), 0);
	leave(s, &b);
	/* A lower fence changes nothing. */
	assert_int_equal(fence(s, &a, &ask, 7, 2), 0);
	assert_int_equal(bind_peer(s, &b, one, 7, 9), -EPERM);
	assert_int_equal(sessions_bind(s, &b.binding, one, 7, 10), 0);
	leave(s, &b);
	leave(s, &a);
	sessions_destroy(s);
}

static void test_fence_refused(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b, unbound;
	struct ask ask;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 2, 3), 0);
	assert_int_equal(bind_peer(s, &b, one, 1, 1), 0);
	join(s, &unbound);
	assert_int_equal(fence(s, &unbound, &ask, 2, 3), -EPERM);
	assert_int_equal(fence(s, &a, &ask, 64, 1), -EINVAL);
	assert_int_equal(fence(s, &a, &ask, 0, 0), -EINVAL);
	/* Itself, also by a later incarnation */
	assert_int_equal(fence(s, &a, &ask, 2, 3), -EINVAL);
	assert_int_equal(fence(s, &a, &ask, 2, 4), -EINVAL);
	/* One wrong item, and nothing is done */
	memset(&ask, 0, sizeof(ask));
	ask.items[0] = (struct fence_item){ 1, 1 };
	ask.items[1] = (struct fence_item){ 2, 3 };
	ask.fence.items = ask.items;
	ask.fence.done = answered;
	assert_int_equal(sessions_fence(s, &a.binding, &ask.fence), -EINVAL);
	ask.fence.count = 2;
	assert_int_equal(sessions_fence(s, &a.binding, &ask.fence), -EINVAL);
	ask.fence.count = ENBD_EXT_MAX_CHANNELS + 1;
	assert_int_equal(sessions_fence(s, &a.binding, &ask.fence), -EINVAL);
	assert_int_equal(b.stopped, 0);
	assert_int_equal(a.stopped, 0);
	assert_int_equal(ask.answers, 0);
	/* The one before itself is fine. */
	assert_int_equal(fence(s, &a, &ask, 2, 2), 0);
	assert_int_equal(ask.answers, 1);
	assert_int_equal(a.stopped, 0);
	leave(s, &a);
	leave(s, &b);
	leave(s, &unbound);
	sessions_destroy(s);
}

static void test_other_session(void **state)
{
	struct sessions *s = sessions_create(10), *other = sessions_create(10);
	struct peer a, b, c;
	struct ask ask;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	assert_int_equal(bind_peer(s, &b, two, 1, 1), 0);
	/* The same bits at another export are another session. */
	assert_int_equal(bind_peer(other, &c, two, 0, 1), 0);
	assert_int_equal(fence(s, &b, &ask, 0, 1), 0);
	assert_int_equal(ask.answers, 1);
	assert_int_equal(a.stopped, 0);
	assert_int_equal(c.stopped, 0);
	leave(s, &a);
	leave(s, &b);
	leave(other, &c);
	sessions_destroy(s);
	sessions_destroy(other);
}

/* Several fences of the same and of different connections at once */
static void test_many_fences(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b, c, d;
	struct ask ab, ac, both, twice;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	assert_int_equal(bind_peer(s, &b, one, 1, 1), 0);
	assert_int_equal(bind_peer(s, &c, one, 2, 1), 0);
	assert_int_equal(bind_peer(s, &d, one, 3, 1), 0);
	assert_int_equal(fence(s, &a, &ab, 1, 1), 0);
	assert_int_equal(fence(s, &a, &ac, 2, 1), 0);
	memset(&both, 0, sizeof(both));
	both.items[0] = (struct fence_item){ 1, 1 };
	both.items[1] = (struct fence_item){ 2, 4 };
	both.items[2] = (struct fence_item){ 1, 1 };
	both.fence.items = both.items;
	both.fence.count = 3;
	both.fence.done = answered;
	assert_int_equal(sessions_fence(s, &d.binding, &both.fence), 0);
	assert_int_equal(fence(s, &d, &twice, 1, 1), 0);
	leave(s, &b);
	assert_int_equal(ab.answers, 1);
	assert_int_equal(twice.answers, 1);
	assert_int_equal(ac.answers, 0);
	assert_int_equal(both.answers, 0);
	leave(s, &c);
	assert_int_equal(ac.answers, 1);
	assert_int_equal(both.answers, 1);
	leave(s, &a);
	leave(s, &d);
	sessions_destroy(s);
}

/* Two connections fence each other: both end, and nobody waits for ever. */
static void test_each_other(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b;
	struct ask ab, ba;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	assert_int_equal(bind_peer(s, &b, one, 1, 1), 0);
	assert_int_equal(fence(s, &a, &ab, 1, 1), 0);
	assert_int_equal(fence(s, &b, &ba, 0, 1), 0);
	assert_int_equal(a.stopped, 1);
	assert_int_equal(b.stopped, 1);
	sessions_cancel(s, &a.binding);
	assert_int_equal(ab.answers, 1);
	assert_int_equal(ab.error, -ECANCELED);
	assert_int_equal(ba.answers, 0);
	sessions_leave(s, &a.binding);
	assert_int_equal(ba.answers, 1);
	assert_int_equal(ba.error, 0);
	sessions_cancel(s, &b.binding);
	assert_int_equal(ba.answers, 1);
	sessions_leave(s, &b.binding);
	assert_int_equal(ab.answers, 1);
	sessions_destroy(s);
}

static void test_asker_dies(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer a, b, c;
	struct ask dead, alive;

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	assert_int_equal(bind_peer(s, &b, one, 1, 1), 0);
	assert_int_equal(bind_peer(s, &c, one, 2, 1), 0);
	assert_int_equal(fence(s, &b, &dead, 0, 1), 0);
	assert_int_equal(fence(s, &c, &alive, 0, 1), 0);
	leave(s, &b);
	assert_int_equal(dead.error, -ECANCELED);
	assert_int_equal(alive.answers, 0);
	memset(&dead, 0xff, sizeof(dead));
	leave(s, &a);
	assert_int_equal(alive.answers, 1);
	leave(s, &c);
	sessions_destroy(s);
}

/* The newest without a connection are kept, those with one always. */
static void test_forget(void **state)
{
	struct sessions *s = sessions_create(3);
	struct peer stays, p[6];
	uint8_t id[ENBD_EXT_SESSION_LEN] = { 0 };
	unsigned int i;

	(void)state;
	assert_int_equal(bind_peer(s, &stays, two, 0, 1), 0);
	for (i = 0; i < 6; i++) {
		id[1] = (uint8_t)i;
		assert_int_equal(bind_peer(s, &p[i], id, 0, 10), 0);
	}
	assert_int_equal(sessions_count(s), 7);
	/* 0 ends last, so it is newer than 1 to 5. */
	for (i = 6; i-- > 0;)
		leave(s, &p[i]);
	assert_int_equal(sessions_count(s), 4);
	for (i = 0; i < 6; i++) {
		id[1] = (uint8_t)i;
		assert_int_equal(bind_peer(s, &p[i], id, 0, 5),
				 i < 3 ? -EPERM : 0);
	}
	assert_int_equal(bind_peer(s, &p[0], two, 0, 1), -EPERM);
	for (i = 0; i < 6; i++)
		leave(s, &p[i]);
	leave(s, &stays);
	assert_int_equal(sessions_count(s), 3);
	sessions_destroy(s);
}

static void test_retire(void **state)
{
	struct sessions *s = sessions_create(3);
	struct peer a, b, gone, silent = { .retired = 0 };

	(void)state;
	assert_int_equal(bind_peer(s, &a, one, 0, 1), 0);
	join(s, &b);
	join(s, &gone);
	leave(s, &gone);
	leave(s, &silent);
	sessions_retire_all(s);
	assert_int_equal(a.retired, 1);
	assert_int_equal(b.retired, 1);
	assert_int_equal(gone.retired, 0);
	assert_int_equal(a.stopped, 0);
	leave(s, &a);
	leave(s, &b);
	sessions_destroy(s);
	sessions_destroy(NULL);
}

/* Threads that bind, fence their predecessor, and go */
#define THREADS	8
#define ROUNDS	2000

static struct {
	struct sessions *sessions;
	pthread_mutex_t lock;
	uint32_t next[4];
} race = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *bind_and_fence(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg, i, n;
	struct peer peer;
	struct ask asks[4];
	uint32_t channel, incarnation;

	for (i = 0; i < ROUNDS; i++) {
		channel = (uint32_t)rand_r(&seed) % 4;
		pthread_mutex_lock(&race.lock);
		incarnation = ++race.next[channel];
		pthread_mutex_unlock(&race.lock);
		if (bind_peer(race.sessions, &peer, one, channel,
			      incarnation)) {
			leave(race.sessions, &peer);
			continue;
		}
		for (n = 0; n < 4; n++) {
			asks[n].answers = 0;
			assert_int_equal(fence(race.sessions, &peer, &asks[n],
					       n, n == channel ? incarnation :
					       incarnation / 2 + 1),
					 n == channel ? -EINVAL : 0);
		}
		leave(race.sessions, &peer);
		/* Answered now, or by a thread that is about to. */
		for (n = 0; n < 4; n++) {
			while (n != channel &&
			       !*(volatile unsigned int *)&asks[n].answers)
				sched_yield();
		}
	}
	return NULL;
}

static void test_race(void **state)
{
	pthread_t threads[THREADS];
	unsigned int i;

	(void)state;
	race.sessions = sessions_create(2);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						bind_and_fence,
						(void *)(uintptr_t)i), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(sessions_count(race.sessions), 1);
	sessions_destroy(race.sessions);
}

/* A connection comes in the place of older ones of its channel, and of no others. */
static void test_replace(void **state)
{
	struct sessions *s = sessions_create(10);
	struct peer old, older, other, stranger, new, newest;

	(void)state;
	assert_int_equal(bind_peer(s, &older, one, 3, 1), 0);
	assert_int_equal(bind_peer(s, &old, one, 3, 2), 0);
	assert_int_equal(bind_peer(s, &other, one, 4, 1), 0);
	assert_int_equal(bind_peer(s, &stranger, two, 3, 1), 0);
	join(s, &new);
	assert_false(sessions_replace(s, &new.binding));
	assert_int_equal(sessions_bind(s, &new.binding, one, 3, 4), 0);
	assert_int_equal(bind_peer(s, &newest, one, 3, 5), 0);
	/* One that has no place has none to give. */
	atomic_store(&old.binding.has_place, true);
	atomic_store(&other.binding.has_place, true);
	atomic_store(&stranger.binding.has_place, true);
	atomic_store(&newest.binding.has_place, true);
	assert_true(sessions_replace(s, &new.binding));
	assert_int_equal(old.stopped, 1);
	assert_int_equal(older.stopped, 1);
	assert_int_equal(other.stopped + stranger.stopped + newest.stopped, 0);
	/* Nor twice */
	assert_false(sessions_replace(s, &new.binding));
	leave(s, &older);
	leave(s, &old);
	leave(s, &other);
	leave(s, &stranger);
	leave(s, &new);
	leave(s, &newest);
	sessions_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_fence_waits),
		cmocka_unit_test(test_fence_covers),
		cmocka_unit_test(test_fence_unknown),
		cmocka_unit_test(test_fence_refused),
		cmocka_unit_test(test_other_session),
		cmocka_unit_test(test_many_fences),
		cmocka_unit_test(test_each_other),
		cmocka_unit_test(test_asker_dies),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_retire),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
