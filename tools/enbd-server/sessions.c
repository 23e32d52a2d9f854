// SPDX-License-Identifier: GPL-2.0
#include "sessions.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	256u

/**
 * struct session - one client's connections to one export
 * @id: its name
 * @floor: for each channel the highest incarnation that was bound or fenced;
 *         only higher ones may still be bound
 * @bindings: its connections
 * @fences: questions without an answer, asked by these connections
 * @next: list of its bucket
 * @newer: list of sessions without a connection
 * @older: the same the other way
 */
struct session {
	uint8_t id[ENBD_EXT_SESSION_LEN];
	uint32_t floor[ENBD_EXT_MAX_CHANNELS];
	struct binding *bindings;
	struct fence *fences;
	struct session *next;
	struct session *newer;
	struct session *older;
};

/**
 * struct sessions - those of one export
 * @lock: protects everything below, the sessions, bindings and fences
 * @buckets: sessions by name
 * @joined: all connections that know the export's promises
 * @newest: list of sessions without a connection
 * @oldest: its other end
 * @idle: how many are in that list
 * @keep: how many of these are kept
 * @count: all sessions
 */
struct sessions {
	pthread_mutex_t lock;
	struct session *buckets[BUCKETS];
	struct binding *joined;
	struct session *newest;
	struct session *oldest;
	unsigned int idle;
	unsigned int keep;
	unsigned int count;
};

struct sessions *sessions_create(unsigned int keep)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->keep = keep;
	return s;
}

/* Names are random, so any of their bytes will do. */
static struct session **bucket_of(struct sessions *s, const uint8_t *id)
{
	return &s->buckets[(id[0] ^ id[ENBD_EXT_SESSION_LEN - 1]) % BUCKETS];
}

static struct session *find(struct sessions *s, const uint8_t *id)
{
	struct session *session = *bucket_of(s, id);

	while (session && memcmp(session->id, id, ENBD_EXT_SESSION_LEN))
		session = session->next;
	return session;
}

static void idle_add(struct sessions *s, struct session *session)
{
	session->newer = NULL;
	session->older = s->newest;
	if (s->newest)
		s->newest->newer = session;
	else
		s->oldest = session;
	s->newest = session;
	s->idle++;
}

static void idle_remove(struct sessions *s, struct session *session)
{
	if (session->newer)
		session->newer->older = session->older;
	else
		s->newest = session->older;
	if (session->older)
		session->older->newer = session->newer;
	else
		s->oldest = session->newer;
	s->idle--;
}

static void forget(struct sessions *s, struct session *session)
{
	struct session **at = bucket_of(s, session->id);

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	s->count--;
	free(session);
}

void sessions_destroy(struct sessions *s)
{
	struct session *session;

	if (!s)
		return;
	while ((session = s->oldest)) {
		idle_remove(s, session);
		forget(s, session);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* A new session, without a connection */
static struct session *add_session(struct sessions *s, const uint8_t *id)
{
	struct session *session = calloc(1, sizeof(*session));
	struct session **bucket = bucket_of(s, id);

	if (!session)
		return NULL;
	memcpy(session->id, id, ENBD_EXT_SESSION_LEN);
	session->next = *bucket;
	*bucket = session;
	s->count++;
	idle_add(s, session);
	return session;
}

static void unlink_fence(struct fence *fence)
{
	*fence->back = fence->next;
	if (fence->next)
		fence->next->back = fence->back;
}

/* Fences that were unlinked, without lock. Each may be gone when it is told. */
static void finish(struct fence *fence, int error)
{
	struct fence *next;

	for (; fence; fence = next) {
		next = fence->next;
		fence->done(fence, error);
	}
}

void sessions_join(struct sessions *s, struct binding *binding)
{
	pthread_mutex_lock(&s->lock);
	binding->next_joined = s->joined;
	binding->back_joined = &s->joined;
	if (s->joined)
		s->joined->back_joined = &binding->next_joined;
	s->joined = binding;
	binding->joined = true;
	pthread_mutex_unlock(&s->lock);
}

static bool possible(uint32_t channel, uint32_t incarnation)
{
	return channel < ENBD_EXT_MAX_CHANNELS && incarnation;
}

static void attach(struct sessions *s, struct session *session,
		   struct binding *binding)
{
	if (!session->bindings)
		idle_remove(s, session);
	binding->session = session;
	binding->next = session->bindings;
	binding->back = &session->bindings;
	if (binding->next)
		binding->next->back = &binding->next;
	session->bindings = binding;
}

int sessions_bind(struct sessions *s, struct binding *binding,
		  const uint8_t *id, uint32_t channel, uint32_t incarnation)
{
	struct session *session;
	int err = 0;

	if (!possible(channel, incarnation) || binding->session)
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	session = find(s, id);
	if (!session)
		session = add_session(s, id);
	if (!session) {
		err = -ENOMEM;
	} else if (session->floor[channel] >= incarnation) {
		err = -EPERM;
	} else {
		session->floor[channel] = incarnation;
		binding->channel = channel;
		binding->incarnation = incarnation;
		attach(s, session, binding);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

static bool covers(const struct fence_item *item, const struct binding *binding)
{
	return item->channel == binding->channel &&
	       item->incarnation >= binding->incarnation;
}

/*
 * With lock: a connection has ended. A fence that covers it has counted it:
 * whatever it covers was bound before it, since nothing can be bound after.
 *
 * Return: fences that have their answer now, unlinked
 */
static struct fence *settle(struct session *session,
			    const struct binding *binding)
{
	struct fence *fence, *next, *ended = NULL;
	unsigned int i;

	for (fence = session->fences; fence; fence = next) {
		next = fence->next;
		for (i = 0; i < fence->count; i++)
			fence->left -= covers(&fence->items[i], binding);
		if (fence->left)
			continue;
		unlink_fence(fence);
		fence->next = ended;
		ended = fence;
	}
	return ended;
}

void sessions_leave(struct sessions *s, struct binding *binding)
{
	struct session *session;
	struct fence *ended = NULL;

	if (!binding->joined)
		return;
	pthread_mutex_lock(&s->lock);
	*binding->back_joined = binding->next_joined;
	if (binding->next_joined)
		binding->next_joined->back_joined = binding->back_joined;
	binding->joined = false;
	session = binding->session;
	if (session) {
		*binding->back = binding->next;
		if (binding->next)
			binding->next->back = binding->back;
		binding->session = NULL;
		ended = settle(session, binding);
		if (!session->bindings)
			idle_add(s, session);
		if (s->idle > s->keep) {
			session = s->oldest;
			idle_remove(s, session);
			forget(s, session);
		}
	}
	pthread_mutex_unlock(&s->lock);
	finish(ended, 0);
}

bool sessions_replace(struct sessions *s, struct binding *binding)
{
	struct binding *other;
	bool got = false;

	if (!binding->session)
		return false;
	pthread_mutex_lock(&s->lock);
	for (other = binding->session->bindings; other; other = other->next) {
		if (other->channel != binding->channel ||
		    other->incarnation >= binding->incarnation)
			continue;
		other->ops->stop(other);
		got |= atomic_exchange(&other->has_place, false);
	}
	pthread_mutex_unlock(&s->lock);
	return got;
}

static int check_fence(const struct binding *asker, const struct fence *fence)
{
	unsigned int i;

	if (!asker->session)
		return -EPERM;
	if (!fence->count || fence->count > ENBD_EXT_MAX_CHANNELS)
		return -EINVAL;
	for (i = 0; i < fence->count; i++) {
		const struct fence_item *item = &fence->items[i];

		if (!possible(item->channel, item->incarnation) ||
		    covers(item, asker))
			return -EINVAL;
	}
	return 0;
}

/* With lock: refuse and stop what an item names. Return: how many must end */
static unsigned int apply(struct session *session,
			  const struct fence_item *item)
{
	struct binding *binding;
	unsigned int n = 0;

	if (session->floor[item->channel] < item->incarnation)
		session->floor[item->channel] = item->incarnation;
	for (binding = session->bindings; binding; binding = binding->next) {
		if (!covers(item, binding))
			continue;
		binding->ops->stop(binding);
		n++;
	}
	return n;
}

int sessions_fence(struct sessions *s, struct binding *asker,
		   struct fence *fence)
{
	/* Of the asker's thread only, who is the one that calls. */
	struct session *session = asker->session;
	const int err = check_fence(asker, fence);
	unsigned int i;

	if (err)
		return err;
	fence->asker = asker;
	fence->left = 0;
	fence->next = NULL;
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < fence->count; i++)
		fence->left += apply(session, &fence->items[i]);
	if (fence->left) {
		fence->next = session->fences;
		fence->back = &session->fences;
		if (fence->next)
			fence->next->back = &fence->next;
		session->fences = fence;
		pthread_mutex_unlock(&s->lock);
		return 0;
	}
	pthread_mutex_unlock(&s->lock);
	finish(fence, 0);
	return 0;
}

void sessions_cancel(struct sessions *s, struct binding *asker)
{
	struct fence *fence, *next, *ended = NULL;

	if (!asker->session)
		return;
	pthread_mutex_lock(&s->lock);
	for (fence = asker->session->fences; fence; fence = next) {
		next = fence->next;
		if (fence->asker != asker)
			continue;
		unlink_fence(fence);
		fence->next = ended;
		ended = fence;
	}
	pthread_mutex_unlock(&s->lock);
	finish(ended, -ECANCELED);
}

void sessions_retire_all(struct sessions *s)
{
	struct binding *binding;

	pthread_mutex_lock(&s->lock);
	for (binding = s->joined; binding; binding = binding->next_joined)
		binding->ops->retire(binding);
	pthread_mutex_unlock(&s->lock);
}

unsigned int sessions_count(struct sessions *s)
{
	unsigned int count;

	pthread_mutex_lock(&s->lock);
	count = s->count;
	pthread_mutex_unlock(&s->lock);
	return count;
}
