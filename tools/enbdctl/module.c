// SPDX-License-Identifier: GPL-2.0
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/enbd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_FOUND	127

static void run_modprobe(void)
{
	static char *const argv[] = { "modprobe", "-q", ENBD_GENL_NAME, NULL };
	static char *const envp[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL,
	};
	const int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	execve("/sbin/modprobe", argv, envp);
	execve("/usr/sbin/modprobe", argv, envp);
	_exit(EXIT_NOT_FOUND);
}

bool module_there(void)
{
	const int fd = open("/sys/module/" ENBD_GENL_NAME "/initstate",
			    O_RDONLY | O_CLOEXEC);
	char state[8] = "";
	ssize_t n;

	if (fd < 0)
		return errno != ENOENT;
	n = read(fd, state, sizeof(state) - 1);
	close(fd);
	return n <= 0 || strcmp(state, "going\n");
}

int module_load(struct enbd_err *err)
{
	int status = 0;
	pid_t pid;

	if (geteuid())
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: the module enbd is not loaded; load it as root with: modprobe enbd");
	pid = fork();
	if (!pid)
		run_modprobe();
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: the module enbd is not loaded and modprobe could not be run; load it with insmod");
	if (WEXITSTATUS(status))
		return enbd_fail(err, ENBD_EXIT_KERNEL,
				 "kernel: modprobe enbd failed; is the module installed for this kernel (dkms status)? dmesg may say more");
	return 0;
}
