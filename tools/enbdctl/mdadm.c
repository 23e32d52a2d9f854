// SPDX-License-Identifier: GPL-2.0
#include "mdadm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "ending.h"

#define STEP_MS		200
#define LINE_MAX_LEN	256

/* The child. What mdadm says is to be understood by this program. */
static void become(int out, const char *array, const char *action,
		   const char *node)
{
	char array_path[64], node_path[64];
	const int null = open("/dev/null", O_RDWR);

	snprintf(array_path, sizeof(array_path), "/dev/%s", array);
	snprintf(node_path, sizeof(node_path), "/dev/%s", node);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	setenv("LC_ALL", "C", 1);
	/* udev's rules call with little in the environment. */
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	execlp("mdadm", "mdadm", array_path, action, node_path, NULL);
	dprintf(STDERR_FILENO, "cannot start mdadm: %s\n", strerror(errno));
	_exit(127);
}

/* The last line of what comes, "" if nothing does */
static void last_line(int fd, char line[LINE_MAX_LEN])
{
	FILE *f = fdopen(fd, "r");
	char text[LINE_MAX_LEN];

	line[0] = '\0';
	if (!f) {
		close(fd);
		return;
	}
	while (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		if (text[0])
			strcpy(line, text);
	}
	fclose(f);
}

static int once(const char *array, const char *action, const char *node,
		struct enbd_err *err)
{
	char said[LINE_MAX_LEN];
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return enbd_fail(err, ENBD_EXIT_GENERAL, "mdadm: %s",
				 strerror(errno));
	pid = fork();
	if (!pid)
		become(fds[1], array, action, node);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return enbd_fail(err, ENBD_EXIT_GENERAL, "mdadm: %s",
				 strerror(errno));
	}
	last_line(fds[0], said);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	/* It may be another moment's business, unless it says that it is none. */
	return enbd_fail(err, strstr(said, "not possible") ?
			      ENBD_EXIT_GENERAL : ENBD_EXIT_BUSY,
			 "mdadm /dev/%s %s /dev/%s: %s", array, action, node,
			 said[0] ? said : "it failed");
}

int mdadm_manage(const char *array, const char *action, const char *node,
		 unsigned int patience_ms, struct enbd_err *err)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	const uint64_t deadline = enbd_now_ms() + patience_ms;

	while (once(array, action, node, err)) {
		if (enbd_now_ms() >= deadline || ending_told())
			return -1;
		nanosleep(&step, NULL);
	}
	return 0;
}
