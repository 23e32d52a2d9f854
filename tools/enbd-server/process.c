// SPDX-License-Identifier: GPL-2.0
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#define STACK_SIZE	(256 * 1024)

/* Write end of the pipe to the waiting parent, -1 in the foreground */
static int ready_fd = -1;

int thread_start_joinable(pthread_t *thread, void *(*run)(void *arg),
			  void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return err;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

int thread_start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;
	const int err = thread_start_joinable(&thread, run, arg);

	if (!err)
		pthread_detach(thread);
	return err;
}

void process_open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* In the parent: exit as the child does, or 0 as soon as it is ready. */
static void __attribute__((noreturn)) wait_for_child(pid_t pid, int fd)
{
	ssize_t n;
	int status;
	char byte;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(ENBD_EXIT_OK);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(ENBD_EXIT_GENERAL);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : ENBD_EXIT_GENERAL);
}

int process_background(struct enbd_err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return enbd_fail(err, ENBD_EXIT_GENERAL, "pipe: %s; use -f",
				 strerror(errno));
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return enbd_fail(err, ENBD_EXIT_GENERAL, "fork: %s; use -f",
				 strerror(errno));
	}
	if (pid) {
		close(fds[1]);
		wait_for_child(pid, fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	return 0;
}

void process_ready(void)
{
	int null;

	if (ready_fd < 0)
		return;
	/* So that no file system is kept from being unmounted */
	if (chdir("/"))
		errno = 0;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	/* If the parent is gone nobody waits for this byte. */
	if (write(ready_fd, "", 1) < 0)
		errno = 0;
	close(ready_fd);
	ready_fd = -1;
}

/*
 * Client and server may be one machine: then the kernel may be short of memory
 * because pages wait to be written to the very device that we serve. If we
 * were swapped out, or if an allocation of ours waited for such pages, nothing
 * would ever move again. So our memory stays resident, without being filled in
 * advance (MCL_ONFAULT, so that thread stacks cost only what they touch), and
 * our allocations in the kernel do not wait for I/O.
 */
void process_harden(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	/* With a limit, MCL_FUTURE would make later allocations fail. */
	if (!setrlimit(RLIMIT_MEMLOCK, &unlimited))
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

int process_write_file(const char *path, const char *text,
		       struct enbd_err *err)
{
	char temporary[4096];
	const size_t len = strlen(text);
	int fd;

	/* Readers wait for the file to appear, so it must appear whole. */
	if (snprintf(temporary, sizeof(temporary), "%s.%d", path,
		     (int)getpid()) >= (int)sizeof(temporary))
		return enbd_fail(err, ENBD_EXIT_USAGE,
				 "%s: path is too long; use a shorter one",
				 path);
	/* From a process that had our number and was killed just then */
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		goto failed;
	if (write(fd, text, len) != (ssize_t)len || close(fd) ||
	    rename(temporary, path)) {
		const int saved = errno;

		unlink(temporary);
		errno = saved;
		goto failed;
	}
	return 0;
failed:
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "%s: cannot write: %s; choose another path", path,
			 strerror(errno));
}
