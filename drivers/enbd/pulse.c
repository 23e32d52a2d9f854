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

/*
 * A fence waits for what the server has begun, flushes too: so many times the
 * I/O timeout
 */
#define ENBD_PULSE_FENCE	10

static u32 ms_since(unsigned long when)
{
	return jiffies_to_msecs(jiffies - when);
}

static void pulse_facts(struct enbd_session *s, struct enbd_channel *ch,
			struct enbd_pulse_facts *f)
{
	unsigned long heard = READ_ONCE(ch->heard);
	struct enbd_control *c = &ch->control;
	bool unacked = false;

	f->keepalive = s->keepalive;
	f->probes = s->features & ENBD_FEATURE_KEEPALIVE;
	f->tcp = enbd_sock_pulse(&ch->s, &heard, &unacked);
	f->silent_for = ms_since(heard);
	f->limit = s->io_timeout;

	if (!unacked || time_after(heard, ch->unacked))
		ch->unacked = 0;
	if (unacked && !ch->unacked)
		ch->unacked = jiffies ?: 1;
	f->unacked_for = ch->unacked ? ms_since(ch->unacked) : 0;

	f->asked = READ_ONCE(c->state) == ENBD_CONTROL_QUEUED ||
		   READ_ONCE(c->state) == ENBD_CONTROL_SENT;
	if (!f->asked)
		return;
	f->asked_for = ms_since(c->since);
	if (c->wire.type == ENBD_CMD_FENCE)
		f->limit = min_t(u64, (u64)f->limit * ENBD_PULSE_FENCE,
				 U32_MAX);
}

static void pulse_look(struct enbd_session *s, struct enbd_channel *ch)
{
	struct enbd_pulse_facts f = {};
	char reason[ENBD_REASON_LEN];

	pulse_facts(s, ch, &f);
	switch (enbd_failover_pulse(&f)) {
	case ENBD_PULSE_FINE:
		break;
	case ENBD_PULSE_PROBE:
		enbd_channel_control(ch, ENBD_CMD_KEEPALIVE, 0);
		ch->unacked = jiffies ?: 1;
		break;
	case ENBD_PULSE_SILENT:
		snprintf(reason, sizeof(reason), "nothing heard for %u ms",
			 f.silent_for);
		enbd_channel_lose(ch, reason);
		break;
	case ENBD_PULSE_UNANSWERED:
		snprintf(reason, sizeof(reason), "no answer to a %s within %u ms",
			 ch->control.wire.type == ENBD_CMD_FENCE ?
			 "fence" : "keepalive", f.limit);
		enbd_channel_lose(ch, reason);
		break;
	}
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
