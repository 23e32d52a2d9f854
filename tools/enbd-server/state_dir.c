// SPDX-License-Identifier: GPL-2.0
#include "state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"

#define SECRET_NAME	"secret"
#define SECRET_TEXT	(2 * SECRET_LEN + 1)	/* with the newline */
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
#define MACHINE_ID	"/etc/machine-id"

/* Return: bytes read, -1 with errno */
static ssize_t read_small(const char *path, void *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	close(fd);
	return n;
}

/*
 * Ours or root's, and nobody else may do what is in @mode? Who could change the
 * folder could choose the signature. Return: 0, -1 with errno: EPERM if not
 */
static int check_owner(int fd, mode_t mode)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if ((!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & mode))
		return 0;
	errno = EPERM;
	return -1;
}

/*
 * Return: 0, -1 with errno: ENOENT if there is none, EBADMSG if it is broken,
 * EPERM if others may have a hand in it
 */
static int read_secret(struct state_dir *state)
{
	char text[SECRET_TEXT + 1];
	ssize_t n;
	int fd, saved;

	fd = openat(state->fd, SECRET_NAME,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	n = check_owner(fd, 077) ? -1 : read(fd, text, sizeof(text));
	saved = errno;
	close(fd);
	errno = saved;
	if (n < 0)
		return -1;
	if (n == SECRET_TEXT && text[n - 1] == '\n' &&
	    !identity_from_hex(state->secret, SECRET_LEN, text)) {
		explicit_bzero(text, sizeof(text));
		return 0;
	}
	errno = EBADMSG;
	return -1;
}

static int write_whole(int fd, const char *text, size_t len)
{
	const ssize_t n = write(fd, text, len);

	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	return -1;
}

/*
 * A whole secret appears at once, and is on disk before anybody relies on it.
 * If another server makes one at the same time, the first wins.
 */
static int make_secret(struct state_dir *state)
{
	char name[64], text[SECRET_TEXT + 1];
	int fd, rc, saved;

	if (gnutls_rnd(GNUTLS_RND_KEY, state->secret, SECRET_LEN)) {
		errno = EIO;
		return -1;
	}
	identity_hex(text, state->secret, SECRET_LEN);
	text[SECRET_TEXT - 1] = '\n';
	snprintf(name, sizeof(name), SECRET_NAME ".%d", (int)getpid());
	unlinkat(state->fd, name, 0);
	fd = openat(state->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -1;
	rc = write_whole(fd, text, SECRET_TEXT) || fsync(fd);
	explicit_bzero(text, sizeof(text));
	if (close(fd))
		rc = -1;
	if (!rc && linkat(state->fd, name, state->fd, SECRET_NAME, 0) &&
	    errno != EEXIST)
		rc = -1;
	saved = errno;
	unlinkat(state->fd, name, 0);
	errno = saved;
	if (rc || fsync(state->fd))
		return -1;
	return read_secret(state);
}

/* Where the folder is known by its name */
static int sync_parent(const struct state_dir *state)
{
	int fd = openat(state->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_folder(struct state_dir *state)
{
	const int rc = mkdir(state->path, 0700);

	if (rc && errno != EEXIST)
		return -1;
	state->fd = open(state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->fd < 0 || check_owner(state->fd, 022) ||
	    (!rc && sync_parent(state)))
		return -1;
	if (!read_secret(state))
		return 0;
	return errno == ENOENT ? make_secret(state) : -1;
}

void state_dir_warn(struct state_dir *state, const char *fmt, ...)
{
	va_list ap;

	if (*state->warning)
		return;
	va_start(ap, fmt);
	vsnprintf(state->warning, sizeof(state->warning), fmt, ap);
	va_end(ap);
}

static int unusable(struct state_dir *state, struct enbd_err *err)
{
	const char *what = strerror(errno);

	if (errno == EBADMSG)
		what = "the file \"" SECRET_NAME "\" in it is damaged";
	else if (errno == EPERM)
		what = "others may change it or read its \"" SECRET_NAME "\" (chown, chmod go-rwx)";
	else if (errno == ELOOP)
		what = "the file \"" SECRET_NAME "\" in it is a symbolic link";
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
	if (state->wanted)
		return enbd_fail(err, ENBD_EXIT_GENERAL,
				 "%s: cannot be used as state directory: %s; repair it, or choose another with --state-dir",
				 state->path, what);
	state_dir_warn(state, "%s: cannot be used as state directory: %s; clients will not notice when writes are lost, and devices that know this server by its secret will refuse it; repair it or use --state-dir",
		       state->path, what);
	state->path = NULL;
	return 0;
}

/* The best there is without a place for a secret: it stays the same. */
static void make_do(struct state_dir *state)
{
	char id[256];
	const ssize_t n = read_small(MACHINE_ID, id, sizeof(id));
	const struct iovec iov = {
		.iov_base = id,
		.iov_len = n > 0 ? (size_t)n : 0,
	};

	identity_hash(&iov, 1, state->secret);
}

static int read_boot_id(struct state_dir *state, const char *path,
			struct enbd_err *err)
{
	const char *from = path ? path : BOOT_ID;
	const ssize_t n = read_small(from, state->boot_id,
				     sizeof(state->boot_id));

	if (n > 0) {
		state->boot_id_len = (size_t)n;
		return 0;
	}
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "%s: cannot read what names this boot: %s; %s", from,
			 n ? strerror(errno) : "it is empty",
			 path ? "write something into it" : "mount /proc");
}

int state_dir_open(struct state_dir *state, const struct server_config *config,
		   struct enbd_err *err)
{
	memset(state, 0, sizeof(*state));
	state->fd = -1;
	state->path = config->state_dir;
	state->wanted = state->path;
	if (!state->path && !geteuid())
		state->path = STATE_DIR_DEFAULT;
	if (!state->path)
		state_dir_warn(state, "no state directory; clients will not notice when writes are lost, use --state-dir");
	else if (!strcmp(state->path, "-"))
		state->path = NULL;
	else if (open_folder(state) && unusable(state, err))
		return -1;
	if (state->fd < 0) {
		make_do(state);
		return 0;
	}
	return read_boot_id(state, config->boot_id_file, err);
}

void state_dir_close(struct state_dir *state)
{
	explicit_bzero(state->secret, sizeof(state->secret));
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
}
