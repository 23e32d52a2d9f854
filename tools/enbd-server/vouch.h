/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vouches for what was acknowledged: the verifier of an export, the file that
 * remembers it, and the lock that keeps a second server away.
 * Documentation/protocol.rst, "HELLO".
 */
#ifndef ENBD_SERVER_VOUCH_H
#define ENBD_SERVER_VOUCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "record.h"
#include "state_dir.h"

/*
 * While the server writes, its file says that it may go on writing for so long.
 * What changes a file after that, and after the server was killed, was another.
 */
#define VOUCH_LEASE_MS	10000
#define VOUCH_RENEW_MS	1000
/* Without writes for so long there is no lease. */
#define VOUCH_IDLE_MS	600000
/*
 * If a server was killed while it asked the kernel whether all could be written
 * back, the answer is gone. A disk that was about to fail has kept it waiting: an
 * answer that came sooner than this is taken for a good one.
 */
#define VOUCH_ASK_MS	5000

/**
 * struct vouch - of one export
 * @busy: there is a lease; without it vouch_writing() makes one
 * @used: there was a write since the lease was renewed
 * @noticed: a change of another was, and the lease has not been renewed since
 * Others: in vouch.c
 */
struct vouch {
	atomic_bool busy;
	atomic_bool used;
	atomic_bool noticed;
};

/**
 * vouch_open() - lock the export against other servers, read what is remembered
 * @state: with a folder
 * @name: of the export, for messages
 * @signature: of the export; a file in the folder is named after it
 * @err: says who has it, or what is wrong with the file
 *
 * Waits for a server that was killed. Comes before the members are opened.
 *
 * Return: NULL with @err: ENBD_EXIT_BUSY if a server that lives on has it.
 */
struct vouch *vouch_open(const struct state_dir *state, const char *name,
			 const uint8_t signature[IDENTITY_LEN],
			 struct enbd_err *err);

/* Did the last server not come to its end? What it wrote may not be on disk. */
bool vouch_killed(const struct vouch *vouch);

/**
 * vouch_begin() - the members are open: decide on the verifier
 * @vouch: open
 * @now: what the members look like
 * @find_loss: has the kernel failed to write something back? 0 or an errno. May
 *             be told only once, so that is written down before it is asked
 * @ctx: for @find_loss
 * @err: filled if that cannot be written down
 *
 * Return: 0 or -1.
 */
int vouch_begin(struct vouch *vouch, const struct observed *now,
		int (*find_loss)(void *ctx), void *ctx, struct enbd_err *err);

/**
 * struct vouch_watcher - who looks at the members
 * @look: for losses, each VOUCH_RENEW_MS while there are writes or there were some
 *        before the last server was killed. Who finds one calls vouch_lost(), in
 *        another thread
 * @changed: when were they changed last, struct observed? By the clock of their
 *           file system, which may be ahead of ours
 *
 * Neither may wait.
 */
struct vouch_watcher {
	void (*look)(void *ctx);
	int64_t (*changed)(void *ctx);
};

/**
 * vouch_watch() - from now on look at the members
 * @vouch: begun
 * @watcher: how, kept; NULL: no more, and nobody is looking when this returns
 * @ctx: for @watcher
 */
void vouch_watch(struct vouch *vouch, const struct vouch_watcher *watcher,
		 void *ctx);

/**
 * vouch_noticed() - a member was changed by another, and we have seen it
 * @vouch: begun, or NULL
 *
 * Later servers shall not take it for a change when nobody served it. Any thread;
 * does not wait. It is written down at once, or within VOUCH_RENEW_MS.
 */
void vouch_noticed(struct vouch *vouch);

/**
 * vouch_ask() - the kernel is about to be asked for what it could not write back
 * @vouch: begun
 * @member: which one is asked; by one thread at a time
 *
 * It tells of a loss once, even if whoever has asked was killed meanwhile. If that
 * happens before vouch_told() the next server knows that there was a question.
 */
void vouch_ask(struct vouch *vouch, unsigned int member);

/* The answer has come, and if it was bad vouch_lost() has been called. */
void vouch_told(struct vouch *vouch, unsigned int member);

/**
 * vouch_verifier() - what clients are told; any thread
 * @vouch: begun
 * @verifier: filled
 *
 * Does not wait for any disk.
 *
 * Return: 0, or EIO while nobody may be told, see vouch_lost().
 */
int vouch_verifier(struct vouch *vouch, uint8_t verifier[IDENTITY_LEN]);

/**
 * vouch_lost() - data that were acknowledged may have been lost
 * @vouch: begun
 *
 * When it returns the verifier is another one, also for later servers. Waits
 * for the disk of the folder. If that fails it is tried again each
 * VOUCH_RENEW_MS. From the call on, and until it is done, vouch_verifier() tells
 * nobody.
 */
void vouch_lost(struct vouch *vouch);

/**
 * vouch_end() - everything is on stable storage and all members are as they
 *               will stay
 * @vouch: begun
 * @now: what they look like
 */
void vouch_end(struct vouch *vouch, const struct observed *now);

/* Give up the lock; without vouch_end() it is as if the server was killed. */
void vouch_close(struct vouch *vouch);

/* vouch.c, for vouch_writing() */
void vouch_wake(struct vouch *vouch);

/**
 * vouch_writing() - a member is about to be changed
 * @vouch: or NULL
 *
 * Any thread, before each system call that does it.
 */
static inline void vouch_writing(struct vouch *vouch)
{
	if (!vouch)
		return;
	if (!atomic_load_explicit(&vouch->used, memory_order_relaxed))
		atomic_store_explicit(&vouch->used, true,
				      memory_order_relaxed);
	if (!atomic_load(&vouch->busy))
		vouch_wake(vouch);
}

#endif /* ENBD_SERVER_VOUCH_H */
