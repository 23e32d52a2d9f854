// SPDX-License-Identifier: GPL-2.0
#include "vouch.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "holder.h"
#include "marks.h"
#include "process.h"
#include "slog.h"
#include "util.h"

#define FILE_PREFIX	"export-"
#define FILE_NAME_MAX	(sizeof(FILE_PREFIX) + 2 * IDENTITY_LEN)

/**
 * struct keeper - what is behind a struct vouch
 * @vouch: what others see
 * @fd: the export's file in the folder, locked
 * @marks: of questions to the kernel
 * @file: its name
 * @name: of the export, for messages
 * @state: boot id
 * @killed: the last server did not come to its end; constant
 * @unheard: the same, and what the kernel last told it is not known; constant
 * @telling: protects @verifier and @unsaved; nobody waits for a disk with it
 * @verifier: what clients are told
 * @unsaved: not now: the generation is not in the file for sure
 * @lock: protects everything below, and is held while the file is written
 * @changed: the lease's thread has something to do, or has ended
 * @record: as it is in the file; sequence 0: there was none
 * @running: there is a thread that renews the lease
 * @stop: it shall end
 * @quiet_ms: for how long there was no write
 * @failed: the file could not be written; told once
 * @again: a loss could not be written
 * @watcher: or NULL; called with the lock, takes the engine's
 * @ctx: for @watcher
 */
struct keeper {
	struct vouch vouch;
	int fd;
	int marks;
	char file[FILE_NAME_MAX];
	const char *name;
	const struct state_dir *state;
	bool killed;
	bool unheard;
	pthread_mutex_t telling;
	uint8_t verifier[IDENTITY_LEN];
	bool unsaved;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct record record;
	bool running;
	bool stop;
	unsigned int quiet_ms;
	bool failed;
	bool again;
	const struct vouch_watcher *watcher;
	void *ctx;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/*
 * Now, or when the members were changed last, @changed. The clock of their file
 * system may be ahead of ours, or ours have been set back.
 */
static int64_t latest(int64_t changed)
{
	const int64_t now = clock_ns(CLOCK_REALTIME);

	return MAX(now, changed);
}

static int64_t lease_end(int64_t changed)
{
	return latest(changed) + VOUCH_LEASE_MS * 1000000ll;
}

static int take_lock(int fd, void *ctx)
{
	(void)ctx;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		errno = EAGAIN;
	return -1;
}

static void read_record(struct keeper *k)
{
	char slots[RECORD_SLOTS * RECORD_SLOT];
	struct record record;
	unsigned int i;

	memset(&k->record, 0, sizeof(k->record));
	if (pread(k->fd, slots, sizeof(slots), 0) != sizeof(slots))
		return;
	for (i = 0; i < RECORD_SLOTS; i++) {
		if (record_parse(&record, slots + i * RECORD_SLOT) &&
		    record.sequence > k->record.sequence)
			k->record = record;
	}
}

/* With lock: write the record into the other slot. Return: 0 or -1 with errno */
static int write_record(struct keeper *k, bool stable)
{
	char slot[RECORD_SLOT];
	ssize_t n;

	k->record.sequence++;
	record_format(&k->record, slot);
	n = pwrite(k->fd, slot, sizeof(slot),
		   (off_t)(k->record.sequence % RECORD_SLOTS * RECORD_SLOT));
	if (n >= 0 && n != sizeof(slot))
		errno = ENOSPC;
	if (n != sizeof(slot) || (stable && fdatasync(k->fd)))
		return -1;
	k->failed = false;
	return 0;
}

/* A new file: both slots get their space now. */
static int reserve(struct keeper *k)
{
	static const char empty[RECORD_SLOTS * RECORD_SLOT];

	if (pwrite(k->fd, empty, sizeof(empty), 0) == sizeof(empty) &&
	    !fsync(k->fd) && !fsync(k->state->fd))
		return 0;
	return -1;
}

/* Has the last server been killed when it had waited long for an answer? */
static bool was_unheard(const struct keeper *k)
{
	const int64_t since = marks_oldest(k->marks);

	return since && clock_ns(CLOCK_BOOTTIME) - since >=
			VOUCH_ASK_MS * 1000000ll;
}

static int new_generation(struct keeper *k)
{
	if (gnutls_rnd(GNUTLS_RND_KEY, k->record.generation,
		       GENERATION_LEN)) {
		errno = EIO;
		return -1;
	}
	k->record.changes++;
	return 0;
}

static int open_file(struct keeper *k, const uint8_t *signature,
		     struct enbd_err *err)
{
	struct stat st;
	char *name = k->file, holder[128];

	strcpy(name, FILE_PREFIX);
	identity_hex(name + strlen(name), signature, IDENTITY_LEN);
again:
	k->fd = openat(k->state->fd, name,
		       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (k->fd < 0)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s/%s: %s; check its permissions",
				 k->state->path, name, strerror(errno));
	if (!holder_lock(k->fd, take_lock, NULL, holder, sizeof(holder))) {
		if (fstat(k->fd, &st) || st.st_nlink)
			return 0;
		/* Whoever had it has removed it. */
		close(k->fd);
		goto again;
	}
	if (errno == EAGAIN)
		return enbd_fail(err, ENBD_EXIT_BUSY,
				 "export \"%s\": one with this name and secret is served by %s; stop that, or use another --name or --state-dir",
				 k->name, holder);
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "%s/%s: cannot lock: %s; choose a state directory on another file system",
			 k->state->path, name, strerror(errno));
}

static int open_marks(struct keeper *k, struct enbd_err *err)
{
	k->marks = marks_open(k->fd);
	if (k->marks >= 0)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "export \"%s\": %s; check the limits", k->name,
			 strerror(errno));
}

struct vouch *vouch_open(const struct state_dir *state, const char *name,
			 const uint8_t signature[IDENTITY_LEN],
			 struct enbd_err *err)
{
	struct keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;

	if (!k) {
		enbd_fail(err, ENBD_EXIT_GENERAL, "%s", strerror(ENOMEM));
		return NULL;
	}
	k->state = state;
	k->name = name;
	k->marks = -1;
	if (open_file(k, signature, err) || open_marks(k, err)) {
		if (k->fd >= 0)
			close(k->fd);
		free(k);
		return NULL;
	}
	pthread_mutex_init(&k->telling, NULL);
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
	read_record(k);
	k->killed = k->record.sequence && !k->record.clean;
	k->unheard = k->killed && was_unheard(k);
	return &k->vouch;
}

bool vouch_killed(const struct vouch *vouch)
{
	return container_of(vouch, const struct keeper, vouch)->killed;
}

static bool is_unsaved(struct keeper *k)
{
	bool unsaved;

	pthread_mutex_lock(&k->telling);
	unsaved = k->unsaved;
	pthread_mutex_unlock(&k->telling);
	return unsaved;
}

/* With lock, which is released while the thread waits */
static void wait_a_while(struct keeper *k)
{
	const long long at = now_ns() + VOUCH_RENEW_MS * 1000000ll;
	const struct timespec ts = {
		.tv_sec = at / 1000000000,
		.tv_nsec = at % 1000000000,
	};

	/* Who has noticed something may have found the lock taken, and not woken us. */
	if (!atomic_load(&k->vouch.noticed))
		pthread_cond_timedwait(&k->changed, &k->lock, &ts);
}

/* With lock: the next lease. It needs to survive us, not the host. */
static void renew(struct keeper *k)
{
	const int64_t changed = k->watcher ? k->watcher->changed(k->ctx) : 0;

	k->record.until = lease_end(changed);
	if (!write_record(k, false) || k->failed)
		return;
	k->failed = true;
	slog_error("export \"%s\": cannot write to %s: %s; clients may be told that data were lost when this server ends, check that disk",
		   k->name, k->state->path, strerror(errno));
}

/* With lock: another verifier. Return: 0, -1 with errno: nobody may be told */
static int change(struct keeper *k)
{
	k->again = new_generation(k) || write_record(k, true);
	pthread_mutex_lock(&k->telling);
	record_verifier(&k->record, k->verifier);
	k->unsaved = k->again;
	pthread_mutex_unlock(&k->telling);
	return k->again ? -1 : 0;
}

/* With lock: what could not be written is tried again. */
static void try_again(struct keeper *k)
{
	if (change(k))
		return;
	slog_info("export \"%s\": the loss has been written to %s; clients with the extension may connect again",
		  k->name, k->state->path);
}

static void *renew_thread(void *arg)
{
	struct keeper *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		wait_a_while(k);
		if (k->again && !k->stop)
			try_again(k);
		if (atomic_exchange(&k->vouch.noticed, false)) {
			renew(k);
			atomic_store(&k->vouch.used, true);
			atomic_store(&k->vouch.busy, true);
		}
		if (k->stop || !atomic_load(&k->vouch.busy))
			continue;
		if (atomic_exchange(&k->vouch.used, false))
			k->quiet_ms = 0;
		else
			k->quiet_ms += VOUCH_RENEW_MS;
		if (k->quiet_ms < VOUCH_IDLE_MS)
			renew(k);
		else
			atomic_store(&k->vouch.busy, false);
		if (k->watcher)
			k->watcher->look(k->ctx);
	}
	k->running = false;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

void vouch_wake(struct vouch *vouch)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	pthread_mutex_lock(&k->lock);
	if (!atomic_load(&vouch->busy)) {
		renew(k);
		k->quiet_ms = 0;
		atomic_store(&vouch->busy, true);
	}
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

/*
 * Is what is remembered still true? Else begin anew. The kernel may tell of a
 * loss only once: if we are killed before it is written down, nobody must trust
 * the file.
 */
static int decide(struct keeper *k, const struct observed *now,
		  int (*find_loss)(void *ctx), void *ctx)
{
	static const char unheard[] =
		"its last server was killed while it waited for a disk, which may have failed";
	const bool is_new = !k->record.sequence;
	uint8_t boot[IDENTITY_LEN];
	const char *why = NULL;

	record_boot(k->state->boot_id, k->state->boot_id_len, boot);
	if (!is_new)
		why = record_doubt(&k->record, boot, now);
	if (is_new) {
		if (reserve(k) || new_generation(k))
			return -1;
		k->record.changes = 0;
	}
	k->record.clean = false;
	k->record.until = INT64_MIN;
	memcpy(k->record.boot, boot, IDENTITY_LEN);
	memcpy(k->record.stamp, now->identity, IDENTITY_LEN);
	memset(k->record.lasting, 0, IDENTITY_LEN);
	if (write_record(k, false) || marks_clear(k->marks))
		return -1;
	if (k->unheard)
		why = unheard;
	if (find_loss(ctx) && !is_new)
		why = "what its last server had taken could not be written back";
	if (why) {
		slog_info("export \"%s\": %s; clients that have unflushed writes will be told that these may be lost",
			  k->name, why);
		if (new_generation(k))
			return -1;
	}
	/* What the last server wrote may still be on its way to the disk. */
	atomic_store(&k->vouch.busy, k->killed);
	k->record.until = k->killed ? lease_end(now->changed) :
				      latest(now->changed);
	return write_record(k, true);
}

int vouch_begin(struct vouch *vouch, const struct observed *now,
		int (*find_loss)(void *ctx), void *ctx, struct enbd_err *err)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);
	int error;

	if (decide(k, now, find_loss, ctx))
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "%s: cannot write the state of export \"%s\": %s; check its disk",
				 k->state->path, k->name, strerror(errno));
	record_verifier(&k->record, k->verifier);
	error = thread_start(renew_thread, k);
	if (error)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "cannot start a thread: %s; check the limits",
				 strerror(error));
	k->running = true;
	return 0;
}

void vouch_watch(struct vouch *vouch, const struct vouch_watcher *watcher,
		 void *ctx)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	pthread_mutex_lock(&k->lock);
	k->watcher = watcher;
	k->ctx = ctx;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

void vouch_noticed(struct vouch *vouch)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	if (!vouch)
		return;
	atomic_store(&vouch->noticed, true);
	/* Who has the lock may not wake the thread, which looks by itself soon. */
	if (pthread_mutex_trylock(&k->lock))
		return;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

void vouch_ask(struct vouch *vouch, unsigned int member)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	/* No room is left for it only if the machine has no memory left. */
	mark_set(k->marks, member, clock_ns(CLOCK_BOOTTIME));
}

void vouch_told(struct vouch *vouch, unsigned int member)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	/* Else it is all that the next server would hear of the loss. */
	if (!is_unsaved(k))
		mark_set(k->marks, member, 0);
}

int vouch_verifier(struct vouch *vouch, uint8_t verifier[IDENTITY_LEN])
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);
	bool unsaved;

	pthread_mutex_lock(&k->telling);
	memcpy(verifier, k->verifier, IDENTITY_LEN);
	unsaved = k->unsaved;
	pthread_mutex_unlock(&k->telling);
	return unsaved ? EIO : 0;
}

void vouch_lost(struct vouch *vouch)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);
	int error = 0;

	/* The old one is wrong, and a new one may be a long time coming. */
	pthread_mutex_lock(&k->telling);
	k->unsaved = true;
	pthread_mutex_unlock(&k->telling);
	pthread_mutex_lock(&k->lock);
	if (change(k))
		error = errno;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
	if (error)
		slog_error("export \"%s\": cannot write to %s: %s; clients with the extension are refused until that is repaired; if this server ends before, remove the file of this export there before the next start",
			   k->name, k->state->path, strerror(error));
}

void vouch_end(struct vouch *vouch, const struct observed *now)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	pthread_mutex_lock(&k->lock);
	record_leave(&k->record, now);
	if ((k->again && new_generation(k)) || write_record(k, true))
		slog_error("export \"%s\": cannot write to %s: %s", k->name,
			   k->state->path, strerror(errno));
	else
		marks_remove(k->fd);
	pthread_mutex_unlock(&k->lock);
}

void vouch_close(struct vouch *vouch)
{
	struct keeper *k = container_of(vouch, struct keeper, vouch);

	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->changed);
	while (k->running)
		pthread_cond_wait(&k->changed, &k->lock);
	pthread_mutex_unlock(&k->lock);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	pthread_mutex_destroy(&k->telling);
	/* One that could not be opened shall leave nothing behind. */
	if (!k->record.sequence) {
		unlinkat(k->state->fd, k->file, 0);
		marks_remove(k->fd);
	}
	close(k->marks);
	close(k->fd);
	free(k);
}
