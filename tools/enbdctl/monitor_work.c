// SPDX-License-Identifier: GPL-2.0
#include "monitor_work.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "attach.h"
#include "query.h"

#define THREADS_FIRST	4
#define THREADS_MAX	64
#define STACK_SIZE	(512 * 1024)

/*
 * A network that comes back is not to wait for the retransmission of a SYN
 * that was sent while it was gone.
 */
#define DIAL_MS		2500

enum slot_state {
	SLOT_FREE,	/* no thread */
	SLOT_IDLE,	/* a thread waits */
	SLOT_BUSY,
	SLOT_DONE,	/* to be fetched */
};

/* A thread and its attempt. @lock guards all but the attempt of a busy one. */
struct slot {
	enum slot_state state;
	pthread_cond_t go;
	struct attempt attempt;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[THREADS_MAX];
static int wake = -1;

/*
 * Is the channel still missed? Who removes one takes it out of the file, then out
 * of the driver, which takes away whatever was reserved for it. So one that is in
 * neither was removed before we reserved its place; after that, our connection
 * is refused. When in doubt it is missed.
 */
static bool still_missed(const struct attempt *t, const struct attach *a)
{
	struct channel *channels;
	struct runstate *file;
	struct enbd_err ignored;
	bool there = false;
	size_t count, i;

	if (query_channels(a->nl, t->device, &channels, &count, &ignored))
		return true;
	for (i = 0; i < count; i++)
		there |= channels[i].index == t->place;
	free(channels);
	if (there)
		return true;
	file = malloc(sizeof(*file));
	if (!file)
		return true;
	if (!runstate_read(a->device.name, file, &ignored))
		there = file->channels[t->place].uri[0];
	free(file);
	return there;
}

static int connect_place(struct attempt *t, struct nl *nl)
{
	struct enbd_client_opts opts;
	struct enbd_bind bind;
	struct enbd_uri uri;
	struct attach a;
	uint32_t index;

	if (attach_reserve(&a, nl, t->device, t->place, &t->err))
		return -1;
	t->incarnation = a.place.incarnation;
	if (strcmp(t->uri, a.device.uri)) {
		enbd_fail(&t->err, ENBD_EXIT_GENERAL,
			  "it is another device by now");
		t->err.error = ESTALE;
		return -1;
	}
	if (!still_missed(t, &a)) {
		enbd_fail(&t->err, ENBD_EXIT_GENERAL,
			  "the channel was removed meanwhile");
		t->err.error = ESTALE;
		return -1;
	}
	if (t->known && memcmp(t->session, a.place.session,
			       sizeof(t->session))) {
		t->foreign = true;
		return enbd_fail(&t->err, ENBD_EXIT_GENERAL,
				 "what is remembered is of an earlier device");
	}
	enbd_client_opts_init(&opts);
	opts.timeout_ms = t->timeout_ms;
	opts.dial_ms = DIAL_MS;
	opts.limit = t->limit;
	if (enbd_uri_parse(t->way.uri, &uri, &t->err))
		return -1;
	if (t->way.bind[0]) {
		if (enbd_bind_parse(t->way.bind, &bind, &t->err))
			return -1;
		opts.bind = &bind;
	}
	return attach_connect(&a, &uri, &opts, &index, &t->err);
}

static void run(struct attempt *t)
{
	struct nl nl;
	int rc;

	t->foreign = false;
	t->incarnation = 0;
	rc = nl_open(&nl, false, &t->err);
	if (!rc) {
		rc = connect_place(t, &nl);
		nl_close(&nl);
	}
	if (!rc)
		t->outcome = REPAIR_DONE;
	else if (t->foreign || t->err.error == ESTALE ||
		 t->err.error == EEXIST ||
		 t->err.code == ENBD_EXIT_NOT_CONNECTED)
		t->outcome = REPAIR_AGAIN;
	else
		t->outcome = REPAIR_FAILED;
}

static void *thread(void *arg)
{
	const uint64_t one = 1;
	struct slot *slot = arg;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (slot->state != SLOT_BUSY)
			pthread_cond_wait(&slot->go, &lock);
		pthread_mutex_unlock(&lock);
		run(&slot->attempt);
		pthread_mutex_lock(&lock);
		slot->state = SLOT_DONE;
		/* An eventfd that is full is readable as well. */
		if (write(wake, &one, sizeof(one)) < 0)
			continue;
	}
	return NULL;
}

/* Return: 0 or an errno. */
static int start_thread(struct slot *slot)
{
	pthread_attr_t attr;
	pthread_t id;
	int rc;

	pthread_cond_init(&slot->go, NULL);
	rc = pthread_attr_init(&attr);
	if (rc)
		return rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_attr_setstacksize(&attr, STACK_SIZE);
	slot->state = SLOT_IDLE;
	if (!rc)
		rc = pthread_create(&id, &attr, thread, slot);
	if (rc)
		slot->state = SLOT_FREE;
	pthread_attr_destroy(&attr);
	return rc;
}

int work_start(struct enbd_err *err)
{
	unsigned int i;
	int rc = 0;

	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake < 0)
		rc = errno;
	for (i = 0; !rc && i < THREADS_FIRST; i++)
		rc = start_thread(&slots[i]);
	if (!rc)
		return wake;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "cannot start a thread: %s",
			 strerror(rc));
}

/* One that waits, else a new one; the caller holds the lock. */
static struct slot *find(void)
{
	unsigned int i;

	for (i = 0; i < THREADS_MAX; i++)
		if (slots[i].state == SLOT_IDLE)
			return &slots[i];
	for (i = 0; i < THREADS_MAX; i++)
		if (slots[i].state == SLOT_FREE)
			return start_thread(&slots[i]) ? NULL : &slots[i];
	return NULL;
}

bool work_free(void)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = find();
	pthread_mutex_unlock(&lock);
	return found;
}

void work_begin(const struct attempt *attempt)
{
	struct slot *slot;

	pthread_mutex_lock(&lock);
	slot = find();
	if (slot) {
		slot->attempt = *attempt;
		slot->state = SLOT_BUSY;
		pthread_cond_signal(&slot->go);
	}
	pthread_mutex_unlock(&lock);
}

bool work_done(struct attempt *attempt)
{
	uint64_t count;
	unsigned int i;
	bool found = false;

	pthread_mutex_lock(&lock);
	for (i = 0; !found && i < THREADS_MAX; i++) {
		if (slots[i].state != SLOT_DONE)
			continue;
		*attempt = slots[i].attempt;
		slots[i].state = SLOT_IDLE;
		found = true;
	}
	/* Whoever ends from now on makes it readable again. */
	if (!found && read(wake, &count, sizeof(count)) < 0)
		found = false;
	pthread_mutex_unlock(&lock);
	return found;
}
