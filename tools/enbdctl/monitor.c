// SPDX-License-Identifier: GPL-2.0
/*
 * enbdctl monitor: connects again what was lost. The driver is asked how
 * things are whenever it says that something has changed, so that nothing has
 * to be remembered but what runstate.h has, and dying does no harm.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "deadline.h"
#include "logqueue.h"
#include "monitor.h"
#include "monitor_log.h"
#include "monitor_self.h"
#include "monitor_watch.h"
#include "module.h"
#include "verb.h"

enum {
	KEY_MAX_BACKOFF = 0x400,
};

#define MAX_BACKOFF_MS		5000

/* Events come in bursts; this is how long one may last, milliseconds. */
#define SETTLE_MS		5

/* The network may change without end: how often that is a reason to hurry */
#define KICK_MS			1000

/* How long until the driver is asked again that could not be asked */
#define RETRY_MS		1000

/* It is asked so often in any case: an event may be lost for want of memory. */
#define LOOK_MS			30000

/* How long the last lines may take to be written */
#define DRAIN_MS		1000

/**
 * struct state - of the loop
 * @look: when the driver is to be asked
 * @files: and the files to be read
 * @kick: when to hurry, UINT64_MAX for no reason
 * @kicked: when that was done last
 * @paused: SIGUSR1 has said so
 * @ready: the service manager was told
 * @trouble: what was said last of a driver that cannot be asked
 * @driver: there was one when it was asked last, or nobody has asked
 */
struct state {
	struct monitor monitor;
	struct watch watch;
	uint64_t look;
	bool files;
	uint64_t kick;
	uint64_t kicked;
	bool paused;
	bool ready;
	struct log_reason trouble;
	bool driver;
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool got(const struct heard *heard, int signal)
{
	return heard->signals & UINT64_C(1) << signal;
}

static void take_results(struct state *s, uint64_t now)
{
	struct attempt t;

	while (work_done(&t))
		if (devices_report(&s->monitor, &t, now))
			s->look = earlier(s->look, now);
}

/* Return: is what is known now the driver's last word? */
static bool look(struct state *s, uint64_t now)
{
	struct enbd_err err;
	bool driver = watch_driver(&s->watch, &err), sure = true;
	unsigned int hidden;

	s->look = now + LOOK_MS;
	if (driver ? devices_look(&s->monitor, s->files, now, &err) :
		     module_there()) {
		/* Half of an answer is none; and it may be about to go. */
		if (log_reason(&s->trouble, err.text, true, now, &hidden))
			monitor_say(now, "%s; asking again", err.text);
		s->look = now + RETRY_MS;
		sure = false;
	} else if (!driver) {
		devices_forget(&s->monitor);
	}
	s->files = false;
	if (sure && !driver && s->driver)
		monitor_say(now, "%s; waiting for it", err.text);
	if (sure)
		s->driver = driver;
	if (!s->ready)
		s->ready = self_notify("READY=1\nSTATUS=Watching");
	if (!s->ready)
		s->look = earlier(s->look, now + RETRY_MS);
	return sure;
}

static void driver_gone(struct state *s, uint64_t now)
{
	if (s->driver)
		monitor_say(now, "the module enbd is gone; waiting for it");
	s->driver = false;
	s->look = now + LOOK_MS;
	devices_forget(&s->monitor);
}

/* Return: false when it is time to go. */
static bool obey(struct state *s, const struct heard *heard, uint64_t now)
{
	if (got(heard, SIGTERM) || got(heard, SIGINT))
		return false;
	if (got(heard, SIGUSR1) || got(heard, SIGUSR2)) {
		monitor_say(now, "nothing is connected again until SIGHUP");
		s->paused = true;
		self_notify("STATUS=Paused until SIGHUP");
		if (!look(s, now))
			monitor_say(now, "not known which devices have no channel; send the signal again");
		else if (got(heard, SIGUSR2))
			devices_remove_dead(&s->monitor, now);
		else
			devices_fail_pending(&s->monitor, now);
		s->look = now;
	}
	if (got(heard, SIGHUP) || got(heard, SIGPWR)) {
		monitor_say(now, "all is tried again now");
		s->paused = false;
		self_notify("STATUS=Watching");
		s->look = now;
		s->files = true;
		s->kick = now;
	}
	return true;
}

static void loop(struct state *s)
{
	struct heard heard;
	uint64_t now = enbd_now_ms(), due;

	for (;;) {
		if (s->look <= now)
			look(s, now);
		if (s->kick <= now) {
			devices_kick(&s->monitor, now);
			s->kicked = now;
			s->kick = UINT64_MAX;
		}
		due = s->paused ? UINT64_MAX : devices_repair(&s->monitor, now);
		watch_wait(&s->watch, earlier(due, earlier(s->look, s->kick)),
			   &heard);
		now = enbd_now_ms();
		if (heard.gone)
			driver_gone(s, now);
		if (heard.driver || (heard.files && s->driver))
			s->look = earlier(s->look, now + SETTLE_MS);
		if (heard.files)
			s->files = true;
		if (heard.network)
			s->kick = earlier(s->kick, s->kicked + KICK_MS);
		if (heard.work)
			take_results(s, now);
		if (!obey(s, &heard, now))
			return;
	}
}

static int run(uint32_t max_backoff, struct enbd_err *err)
{
	static struct state s;
	int lock = runstate_lock_monitor(err), work;

	if (lock < 0)
		return -1;
	s.monitor.max_backoff = max_backoff;
	s.driver = true;
	if (getrandom(&s.monitor.random, sizeof(s.monitor.random), 0) < 0 ||
	    !s.monitor.random)
		s.monitor.random = (uint64_t)getpid();
	self_protect();
	if (monitor_log_start(err) || watch_open(&s.watch, err))
		return -1;
	work = work_start(err);
	if (work < 0)
		return -1;
	s.watch.fds[WATCH_WORK] = work;
	s.kick = UINT64_MAX;
	loop(&s);
	self_notify("STOPPING=1");
	/* Attempts under way end with the process; the driver minds none. */
	close(lock);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	uint32_t *max_backoff = state->input;

	switch (key) {
	case KEY_MAX_BACKOFF:
		*max_backoff = verb_seconds(state, "--max-backoff", arg);
		if (!*max_backoff || *max_backoff > 3600 * 1000)
			verb_usage(state, "--max-backoff %s: not between 0.001 and 3600",
				   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int verb_monitor(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "max-backoff", KEY_MAX_BACKOFF, "SECONDS", 0,
		  "Wait no longer than that between two attempts (5)", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
	};
	static const struct verb_spec spec = {
		.doc = "Connect again what is lost, until SIGTERM.\v"
		       "SIGHUP and SIGPWR try all at once, SIGUSR1 ends repairs and lets requests without a channel fail, SIGUSR2 removes their devices. "
		       "systemd runs it as enbd-monitor.service.",
		.more = &argp,
	};
	uint32_t max_backoff = MAX_BACKOFF_MS;
	struct verb_args args;
	struct enbd_err err;
	int rc;

	verb_read(&spec, argc, argv, &max_backoff, &args);
	rc = run(max_backoff, &err);
	logqueue_drain(DRAIN_MS);
	return rc ? verb_failed(&err) : ENBD_EXIT_OK;
}
