// SPDX-License-Identifier: GPL-2.0
#include "monitor_self.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "monitor_log.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER	57	/* since Linux 5.6 */
#endif

static int never_the_victim(void)
{
	static const char score[] = "-1000";
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, score, sizeof(score) - 1);
	close(fd);
	return n < 0 ? -1 : 0;
}

void self_protect(void)
{
	const uint64_t now = enbd_now_ms();

	/* One arena that does not shrink: what was needed once stays at hand. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		monitor_say(now, "note: cannot stay in memory: mlockall: %s; run it as root",
			    strerror(errno));
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		monitor_say(now, "note: memory pressure may stop it: PR_SET_IO_FLUSHER: %s; run it as root",
			    strerror(errno));
	if (never_the_victim())
		monitor_say(now, "note: it may be killed when memory is short: oom_score_adj: %s; run it as root",
			    strerror(errno));
}

bool self_notify(const char *text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	bool told;
	int fd;

	if (!len || len >= sizeof(addr.sun_path))
		return true;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	told = sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (void *)&addr,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  len)) >= 0 || errno != EAGAIN;
	close(fd);
	return told;
}
