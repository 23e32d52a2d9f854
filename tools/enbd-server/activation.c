// SPDX-License-Identifier: GPL-2.0
#include "activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "size.h"

#define FIRST_FD	3

/* A variable that holds a number. Return: 0 if it is another or none. */
static uint32_t variable(const char *name)
{
	const char *text = getenv(name);
	uint32_t n;

	return text && !enbd_parse_u32(text, 1, INT32_MAX, &n) ? n : 0;
}

static int option(int fd, int name)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

int activation_take(int *fds, unsigned int max, struct enbd_err *err)
{
	const uint32_t pid = variable("LISTEN_PID");
	const uint32_t count = variable("LISTEN_FDS");
	uint32_t i;
	int fd;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (pid != (uint32_t)getpid())
		return 0;
	if (count > max)
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%u sockets were passed; %u are the limit",
				 count, max);
	for (i = 0; i < count; i++) {
		fd = FIRST_FD + (int)i;
		if (option(fd, SO_TYPE) != SOCK_STREAM ||
		    option(fd, SO_ACCEPTCONN) != 1)
			return enbd_fail(err, ENBD_EXIT_USAGE,
					 "descriptor %d, which was passed, is no listening stream socket; use ListenStream= and Accept=no",
					 fd);
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) ||
		    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
			return enbd_fail(err, ENBD_EXIT_GENERAL,
					 "descriptor %d, which was passed: %s",
					 fd, strerror(errno));
		fds[i] = fd;
	}
	return (int)count;
}

void activation_ready(void)
{
	static const char text[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || !path[0] || strlen(path) >= sizeof(addr.sun_path))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	memcpy(addr.sun_path, path, strlen(path));
	/* An abstract name */
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		/* If nobody hears it the manager's own time limit does the rest. */
		if (sendto(fd, text, strlen(text), MSG_NOSIGNAL,
			   (struct sockaddr *)&addr, len) < 0)
			errno = 0;
		close(fd);
	}
	unsetenv("NOTIFY_SOCKET");
}
