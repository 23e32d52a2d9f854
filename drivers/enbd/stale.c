// SPDX-License-Identifier: GPL-2.0
/*
 * A server that has forgotten what it had acknowledged. Its verifier tells, the
 * journal tells where; then nothing is read or written until somebody has taken
 * responsibility. design.rst says why.
 */
#include "session.h"

#include <linux/delay.h>

#include "compat.h"
#include "state.h"
#include "trace.h"

/* Give up all channels, which have shown another verifier than the next one. */
static void stale_lose_all(struct enbd_session *s)
{
	struct enbd_channel *ch;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (!ch || ch->state == ENBD_CHANNEL_STATE_LOST)
			continue;
		enbd_channel_lose(ch, "the server's verifier changed");
		/* somebody else may be about to, but has not written why */
		while (!test_bit(ENBD_CHANNEL_DEAD, &ch->bits))
			usleep_range(10, 100);
	}
	enbd_session_reap(s);
}

/* All requests fail, those that wait too. No channel is connected. */
static void stale_enter(struct enbd_session *s, u32 next)
{
	cancel_delayed_work(&s->dead_work);
	enbd_session_unpark(s, next);
	enbd_fence_fail(s);
	s->ops->state(s, "acknowledged writes may be lost");
}

/**
 * enbd_stale_look() - what does the verifier of a new channel mean?
 * @s:     the session, its lock is held
 * @ch:    the channel, not yet one of the session's
 * @shown: what its server has shown
 *
 * When it is not the one that was shown before, all other channels are given
 * up: the server does not go on with them, and replies that they have received
 * and not yet acted on must be in the journal, or never be, before it is judged.
 */
void enbd_stale_look(struct enbd_session *s, const struct enbd_channel *ch,
		     const struct enbd_shown *shown)
{
	struct enbd_journal *j = s->led.journal;
	enum enbd_verdict verdict;
	u32 next;

	if (!j)
		return;
	verdict = enbd_identity_judge(&s->identity, shown, true);
	if (verdict == ENBD_VERIFIER_STALE) {
		stale_lose_all(s);
		verdict = enbd_identity_judge(&s->identity, shown,
					      !enbd_journal_empty(j));
	}
	trace_enbd_verifier(ch, verdict, enbd_journal_bytes(j));
	next = enbd_state_next(s->state, ENBD_ON_FORGOT);
	if (verdict == ENBD_VERIFIER_STALE && next != s->state)
		stale_enter(s, next);
}

/**
 * enbd_session_accept() - somebody takes responsibility for lost writes
 * @s:      the session
 * @extack: told why not
 *
 * Context: process. Return: 0 or -EINVAL if the device is not stale.
 */
int enbd_session_accept(struct enbd_session *s, struct netlink_ext_ack *extack)
{
	static const char reason[] = "lost writes are accepted";
	unsigned int noio = enbd_session_lock(s);
	u32 next = enbd_state_next(s->state, ENBD_ON_ACCEPT);
	int err = 0;

	if (next == s->state) {
		NL_SET_ERR_MSG(extack,
			       "the device is not stale, there is nothing to accept");
		err = -EINVAL;
		goto out;
	}
	enbd_journal_clear(s->led.journal);
	spin_lock(&s->park_lock);
	WRITE_ONCE(s->state, next);
	spin_unlock(&s->park_lock);
	enbd_session_update(s, reason);
	if (s->state == next) {
		enbd_session_arm(s);
		s->ops->state(s, reason);
	}
out:
	enbd_session_unlock(s, noio);
	return err;
}

/**
 * enbd_session_lost() - go through the writes that may be lost
 * @s:      the session
 * @pos:    as for enbd_journal_next_range()
 * @offset: set to the first byte of a range
 * @length: set to its bytes
 *
 * Context: process. Return: false if there is no more, or the device is not
 * stale.
 */
bool enbd_session_lost(struct enbd_session *s, u64 *pos, u64 *offset,
		       u64 *length)
{
	unsigned int noio = enbd_session_lock(s);
	bool more;

	more = s->state == ENBD_DEVICE_STATE_STALE &&
	       enbd_journal_next_range(s->led.journal, pos, offset, length);
	enbd_session_unlock(s, noio);
	return more;
}
