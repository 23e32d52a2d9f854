// SPDX-License-Identifier: GPL-2.0
/*
 * Are the servers still there? Looks at every connected channel a few times in
 * each keepalive interval. Decisions are failover.c's.
 */
#include "session.h"

#include "failover.h"

/* Looks in an interval */
#define ENBD_PULSE_LOOKS	4

/* How often to look without a keepalive, for commands without an answer */
#define ENBD_PULSE_MS		1000

static u32 ms_since(unsigned long when)
{
	return jiffies_to_msecs(jiffies - when);
}

static void pulse_facts(struct enbd_session *s, struct enbd_channel *ch,
			struct enbd_pulse_facts *f)
{
	unsigned long heard = READ_ONCE(ch->heard);
	bool unacked = false;
	unsigned long since, again;

	f->keepalive = s->keepalive;
	f->probes = s->features & ENBD_FEATURE_KEEPALIVE;
	f->tcp = enbd_sock_pulse(&ch->s, &heard, &unacked);
	f->silent_for = ms_since(heard);

	if (!unacked || time_after(heard, ch->unacked))
		ch->unacked = 0;
	if (unacked && !ch->unacked)
		ch->unacked = jiffies ?: 1;
	f->unacked_for = ch->unacked ? ms_since(ch->unacked) : 0;

	f->limit = s->io_timeout;
	f->asked = enbd_channel_asked(ch, ENBD_CMD_KEEPALIVE, &since, &again);
	f->asked_for = f->asked ? ms_since(since) : 0;
	f->again_for = f->asked ? ms_since(again) : 0;
	f->fencing = enbd_channel_asked(ch, ENBD_CMD_FENCE, &since, &again);
	f->fencing_for = f->fencing ? ms_since(since) : 0;
}

static void pulse_look(struct enbd_session *s, struct enbd_channel *ch)
{
	struct enbd_pulse_facts f = {};
	char reason[ENBD_REASON_LEN];

	pulse_facts(s, ch, &f);
	switch (enbd_failover_pulse(&f)) {
	case ENBD_PULSE_FINE:
		return;
	case ENBD_PULSE_PROBE:
		if (enbd_channel_control(ch, ENBD_CMD_KEEPALIVE, 0) &&
		    !ch->unacked)
			ch->unacked = jiffies ?: 1;
		return;
	case ENBD_PULSE_SILENT:
		snprintf(reason, sizeof(reason), "nothing heard for %u ms",
			 f.silent_for);
		break;
	case ENBD_PULSE_UNANSWERED:
		snprintf(reason, sizeof(reason),
			 "no answer to a keepalive within %u ms", f.asked_for);
		break;
	case ENBD_PULSE_UNFENCED:
		snprintf(reason, sizeof(reason),
			 "no answer to a fence within %u ms", f.fencing_for);
		break;
	}
	enbd_channel_lose(ch, reason);
}

/**
 * enbd_pulse_look() - look at all channels
 * @s: the session, its lock is held
 */
void enbd_pulse_look(struct enbd_session *s)
{
	struct enbd_channel *ch;
	unsigned int i;

	for (i = 0; i < ENBD_MAX_CHANNELS; i++) {
		ch = enbd_session_channel(s, i);
		if (ch && ch->state != ENBD_CHANNEL_STATE_LOST &&
		    !enbd_channel_gone(ch))
			pulse_look(s, ch);
	}
}

/**
 * enbd_pulse_interval() - when to look again
 * @s: the session, its lock is held
 *
 * Return: jiffies, 0 if there is nothing to look for.
 */
unsigned long enbd_pulse_interval(const struct enbd_session *s)
{
	if (s->keepalive)
		return max(msecs_to_jiffies(s->keepalive / ENBD_PULSE_LOOKS),
			   1UL);
	return s->features ? msecs_to_jiffies(ENBD_PULSE_MS) : 0;
}
