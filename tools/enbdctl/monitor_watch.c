// SPDX-License-Identifier: GPL-2.0
#include "monitor_watch.h"

#include <errno.h>
#include <limits.h>
#include <linux/enbd.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "module.h"
#include "runstate.h"

#define BUFFER_SIZE	16384

/* Room for a burst of events; root may have more than the limit. */
#define EVENTS_ROOM	(1 << 20)

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPWR);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_netlink(int protocol, uint32_t groups)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_groups = groups,
	};
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC |
			      SOCK_NONBLOCK, protocol);
	int rc;

	if (fd < 0 || !bind(fd, (void *)&addr, sizeof(addr)))
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

/* Generic netlink tells of families in the group that has its own number. */
static int open_family(void)
{
	return open_netlink(NETLINK_GENERIC, 1U << (GENL_ID_CTRL - 1));
}

static int open_network(void)
{
	return open_netlink(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			    RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			    RTMGRP_IPV6_ROUTE);
}

static int open_files(void)
{
	const int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, runstate_dir(), IN_MOVED_TO |
					 IN_DELETE | IN_ONLYDIR) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int watch_open(struct watch *w, struct enbd_err *err)
{
	static int (*const open_one[])(void) = {
		[WATCH_SIGNALS] = open_signals,
		[WATCH_NETWORK] = open_network,
		[WATCH_FILES] = open_files,
		[WATCH_FAMILY] = open_family,
	};
	unsigned int i;

	memset(w, 0, sizeof(*w));
	for (i = 0; i < WATCH_COUNT; i++)
		w->fds[i] = -1;
	for (i = 0; i < sizeof(open_one) / sizeof(open_one[0]); i++) {
		w->fds[i] = open_one[i]();
		if (w->fds[i] < 0)
			return enbd_fail(err, ENBD_EXIT_GENERAL,
					 "cannot listen to %s: %s",
					 i == WATCH_SIGNALS ? "signals" :
					 i == WATCH_FILES ? runstate_dir() :
					 "the kernel", strerror(errno));
	}
	return 0;
}

bool watch_driver(struct watch *w, struct enbd_err *err)
{
	const int room = EVENTS_ROOM;

	if (w->events.sock)
		return true;
	if (!module_there()) {
		enbd_fail(err, ENBD_EXIT_KERNEL,
			  "kernel: the module enbd is not loaded");
		return false;
	}
	if (nl_open(&w->events, false, err))
		return false;
	w->fds[WATCH_EVENTS] = mnl_socket_get_fd(w->events.sock);
	setsockopt(w->fds[WATCH_EVENTS], SOL_SOCKET, SO_RCVBUFFORCE, &room,
		   sizeof(room));
	if (!nl_listen(&w->events, err))
		return true;
	nl_close(&w->events);
	w->fds[WATCH_EVENTS] = -1;
	return false;
}

static void hear_signals(struct watch *w, struct heard *heard)
{
	struct signalfd_siginfo info;

	while (read(w->fds[WATCH_SIGNALS], &info, sizeof(info)) ==
	       sizeof(info))
		heard->signals |= UINT64_C(1) << info.ssi_signo;
}

static void hear_files(struct watch *w, struct heard *heard)
{
	char buf[4096];

	/* Which one does not matter. */
	while (read(w->fds[WATCH_FILES], buf, sizeof(buf)) > 0)
		heard->files = true;
}

/* What comes may help; what goes is noticed by those that it concerns. */
static bool helps(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_NEWROUTE:
		return true;
	case RTM_NEWLINK:
		return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*link) &&
		       (link->ifi_flags & IFF_RUNNING);
	default:
		return false;
	}
}

static void hear_network(struct watch *w, struct heard *heard)
{
	char buf[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *nlh;
	ssize_t got;
	int left;

	for (;;) {
		got = recv(w->fds[WATCH_NETWORK], buf, sizeof(buf), 0);
		/* Who has missed something takes it for the best. */
		if (got < 0 && errno == ENOBUFS)
			heard->network = true;
		else if (got < 0 && errno != EINTR)
			return;
		left = (int)got;
		for (nlh = (const void *)buf; got > 0 && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			if (helps(nlh))
				heard->network = true;
	}
}

/* The last word counts; another driver has other numbers. */
static void take_family(struct watch *w, const struct nlmsghdr *nlh,
			struct heard *heard)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (!nl_is_ours(nlh) || (genl->cmd != CTRL_CMD_NEWFAMILY &&
				 genl->cmd != CTRL_CMD_DELFAMILY))
		return;
	nl_close(&w->events);
	w->fds[WATCH_EVENTS] = -1;
	heard->driver = genl->cmd == CTRL_CMD_NEWFAMILY;
	heard->gone = !heard->driver;
}

static void hear_family(struct watch *w, struct heard *heard)
{
	char buf[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *nlh;
	ssize_t got;
	int left;

	for (;;) {
		got = recv(w->fds[WATCH_FAMILY], buf, sizeof(buf), 0);
		/* Families are few; if something was missed, look. */
		if (got < 0 && errno == ENOBUFS)
			heard->driver = true;
		else if (got < 0 && errno != EINTR)
			return;
		left = (int)got;
		for (nlh = (const void *)buf; got > 0 && mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			take_family(w, nlh, heard);
	}
}

static void hear_events(struct watch *w, struct heard *heard)
{
	char buf[BUFFER_SIZE];

	/* They only say that it is time to look: all is read then. */
	while (recv(w->fds[WATCH_EVENTS], buf, sizeof(buf), MSG_DONTWAIT) >= 0 ||
	       errno == EINTR || errno == ENOBUFS)
		;
	heard->driver = true;
}

void watch_wait(struct watch *w, uint64_t until, struct heard *heard)
{
	const uint64_t now = enbd_now_ms();
	struct pollfd pfd[WATCH_COUNT];
	int wait = -1;
	unsigned int i;

	memset(heard, 0, sizeof(*heard));
	for (i = 0; i < WATCH_COUNT; i++)
		pfd[i] = (struct pollfd){ .fd = w->fds[i], .events = POLLIN };
	if (until != UINT64_MAX)
		wait = until <= now ? 0 : until - now > INT_MAX ? INT_MAX :
		       (int)(until - now);
	if (poll(pfd, WATCH_COUNT, wait) <= 0)
		return;
	if (pfd[WATCH_SIGNALS].revents)
		hear_signals(w, heard);
	if (pfd[WATCH_NETWORK].revents)
		hear_network(w, heard);
	if (pfd[WATCH_FILES].revents)
		hear_files(w, heard);
	if (pfd[WATCH_EVENTS].revents)
		hear_events(w, heard);
	if (pfd[WATCH_FAMILY].revents)
		hear_family(w, heard);
	heard->work = pfd[WATCH_WORK].revents;
}
