// SPDX-License-Identifier: GPL-2.0
#include "runstate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "runstate_json.h"

/* Who changes files holds it; whoever dies lets go of it. */
#define LOCK_FILE	"lock"
#define MONITOR_FILE	"monitor.lock"

const char *runstate_dir(void)
{
	const char *dir = secure_getenv("ENBD_RUN_DIR");

	return dir && dir[0] ? dir : RUNSTATE_DIR;
}

static int failed(struct enbd_err *err, const char *file, const char *what)
{
	return enbd_fail(err, ENBD_EXIT_GENERAL, "%s/%s: %s", runstate_dir(),
			 file, what);
}

/* Nobody but this user, who is root, may have written it. */
static bool trusted(int fd, mode_t type)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == geteuid() && !(st.st_mode & 0022);
}

/* Return: descriptor of the directory, -1 with @err, or -2 if there is none. */
static int open_dir(bool make, struct enbd_err *err)
{
	const char *dir = runstate_dir();
	int fd;

	if (make && mkdir(dir, 0700) && errno != EEXIST)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: cannot make it: %s",
				 dir, strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -2;
	if (fd < 0)
		return enbd_fail(err, ENBD_EXIT_GENERAL, "%s: %s", dir,
				 strerror(errno));
	if (trusted(fd, S_IFDIR))
		return fd;
	close(fd);
	return enbd_fail(err, ENBD_EXIT_GENERAL,
			 "%s: others may write there, it is not used; make it root's own",
			 dir);
}

/* Return: a descriptor that holds the lock, or -1 with errno. */
static int lock(int dir, const char *file, int how)
{
	const int fd = openat(dir, file, O_RDWR | O_CREAT | O_CLOEXEC |
			      O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return -1;
	do {
		rc = flock(fd, how);
	} while (rc && errno == EINTR);
	if (!rc)
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

static void file_name(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s.json", name);
}

static int read_text(int fd, char *text, size_t size, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, text + *len, size - *len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -errno;
		else if (!n)
			return 0;
	}
	return -EFBIG;
}

static int read_file(int dir, const char *file, struct runstate *state,
		     struct enbd_err *err)
{
	const char *wrong;
	size_t len;
	char *text;
	int fd, rc;

	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1 : failed(err, file, strerror(errno));
	if (!trusted(fd, S_IFREG)) {
		close(fd);
		return failed(err, file, "ignored, somebody else could have written it; remove it");
	}
	text = malloc(RUNSTATE_TEXT_MAX);
	if (!text) {
		close(fd);
		return failed(err, file, "out of memory");
	}
	rc = read_text(fd, text, RUNSTATE_TEXT_MAX, &len);
	close(fd);
	if (rc) {
		free(text);
		return failed(err, file, strerror(-rc));
	}
	wrong = runstate_parse(text, len, state);
	free(text);
	if (!wrong)
		return 0;
	return enbd_fail(err, ENBD_EXIT_GENERAL, "%s/%s: ignored: %s",
			 runstate_dir(), file, wrong);
}

int runstate_read(const char *name, struct runstate *state,
		  struct enbd_err *err)
{
	char file[ENBD_NAME_MAX + 8];
	int dir = open_dir(false, err), rc;

	if (dir < 0)
		return dir == -2 ? 1 : -1;
	file_name(file, sizeof(file), name);
	rc = read_file(dir, file, state, err);
	close(dir);
	return rc;
}

static int write_data(int fd, const char *text, size_t left)
{
	ssize_t n;

	while (left) {
		n = write(fd, text, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

/*
 * Who reads sees the old file or the new one. The caller holds the lock, so
 * that one left behind by a killed process is simply written over.
 */
static int replace_file(int dir, const char *file, const char *data,
			size_t len, struct enbd_err *err)
{
	char fresh[2 * ENBD_NAME_MAX + 16];
	int fd, rc;

	snprintf(fresh, sizeof(fresh), ".%s.new", file);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	rc = fd < 0 ? -1 : write_data(fd, data, len);
	if (!rc)
		rc = renameat(dir, fresh, dir, file);
	if (rc)
		failed(err, file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int write_file(int dir, const char *file, const struct runstate *state,
		      struct enbd_err *err)
{
	char *text = runstate_format(state);
	int rc;

	if (!text)
		return failed(err, file, "out of memory");
	rc = replace_file(dir, file, text, strlen(text), err);
	free(text);
	return rc;
}

int runstate_write(const char *name, const struct runstate *state,
		   struct enbd_err *err)
{
	char file[ENBD_NAME_MAX + 8];
	int dir = open_dir(true, err), held, rc = -1;

	if (dir < 0)
		return -1;
	file_name(file, sizeof(file), name);
	held = lock(dir, LOCK_FILE, LOCK_EX);
	if (held < 0)
		failed(err, LOCK_FILE, strerror(errno));
	else
		rc = write_file(dir, file, state, err);
	if (held >= 0)
		close(held);
	close(dir);
	return rc;
}

/* The file as it shall be. Return: 0, 1 if nothing is to be changed, -1. */
static int change(int dir, const char *file, const uint8_t *session,
		  uint32_t place, const struct runstate_channel *channel,
		  struct enbd_err *err)
{
	struct runstate *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return failed(err, file, "out of memory");
	rc = read_file(dir, file, s, err);
	if (rc && (!session || !channel)) {
		free(s);
		return rc;
	}
	if (rc || (session && memcmp(s->session, session, sizeof(s->session)))) {
		memset(s, 0, sizeof(*s));
		s->timeout_ms = ENBD_HANDSHAKE_TIMEOUT_MS;
		s->limit = ENBD_REPLY_FORMAT_EXTENDED;
		memcpy(s->session, session, sizeof(s->session));
	}
	if (channel)
		s->channels[place] = *channel;
	else
		memset(&s->channels[place], 0, sizeof(s->channels[place]));
	rc = write_file(dir, file, s, err);
	free(s);
	return rc;
}

int runstate_set_channel(const char *name, const uint8_t *session,
			 uint32_t place,
			 const struct runstate_channel *channel,
			 struct enbd_err *err)
{
	char file[ENBD_NAME_MAX + 8];
	int dir = open_dir(!!channel, err), held, rc;

	if (dir < 0)
		return dir == -2 ? 0 : -1;
	file_name(file, sizeof(file), name);
	held = lock(dir, LOCK_FILE, LOCK_EX);
	if (held < 0) {
		rc = failed(err, LOCK_FILE, strerror(errno));
	} else {
		rc = change(dir, file, session, place, channel, err);
		close(held);
	}
	close(dir);
	return rc < 0 ? -1 : 0;
}

int runstate_put(const char *file, const void *data, size_t len,
		 struct enbd_err *err)
{
	int dir = open_dir(true, err), held, rc = -1;

	if (dir < 0)
		return -1;
	held = lock(dir, LOCK_FILE, LOCK_EX);
	if (held < 0)
		failed(err, LOCK_FILE, strerror(errno));
	else
		rc = replace_file(dir, file, data, len, err);
	if (held >= 0)
		close(held);
	close(dir);
	return rc;
}

int runstate_get(const char *file, void *data, size_t len)
{
	struct enbd_err ignored;
	int dir = open_dir(false, &ignored), fd, rc = -1;
	size_t got = 0;
	char more;

	if (dir < 0)
		return -1;
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return -1;
	/* As much as there is room for is not the end of it. */
	if (trusted(fd, S_IFREG) &&
	    read_text(fd, data, len, &got) == -EFBIG && got == len &&
	    read(fd, &more, 1) == 0)
		rc = 0;
	close(fd);
	return rc;
}

static int read_whole(int fd, const char *file, char **data, size_t *len,
		      struct enbd_err *err)
{
	struct stat st;
	int rc;

	if (!trusted(fd, S_IFREG))
		return failed(err, file, "somebody else could have written it; remove it");
	if (fstat(fd, &st))
		return failed(err, file, strerror(errno));
	/* One more, to see its end, and one for the NUL */
	*data = calloc(1, (size_t)st.st_size + 2);
	if (!*data)
		return failed(err, file, "out of memory");
	rc = read_text(fd, *data, (size_t)st.st_size + 1, len);
	if (!rc)
		return 0;
	free(*data);
	return failed(err, file, strerror(-rc));
}

int runstate_get_all(const char *file, char **data, size_t *len,
		     struct enbd_err *err)
{
	int dir = open_dir(false, err), fd, rc;

	if (dir < 0)
		return dir == -2 ? 1 : -1;
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(dir);
	if (fd < 0)
		return errno == ENOENT ? 1 : failed(err, file, strerror(errno));
	rc = read_whole(fd, file, data, len, err);
	close(fd);
	return rc;
}

void runstate_drop(const char *file)
{
	struct enbd_err ignored;
	int dir = open_dir(false, &ignored);

	if (dir < 0)
		return;
	unlinkat(dir, file, 0);
	close(dir);
}

static void identify(int dir, const char *file, struct runstate_id *id)
{
	struct runstate *s = calloc(1, sizeof(*s));
	struct enbd_err ignored;

	memset(id, 0, sizeof(*id));
	if (s && !read_file(dir, file, s, &ignored)) {
		id->known = true;
		memcpy(id->session, s->session, sizeof(id->session));
	}
	free(s);
}

void runstate_identify(const char *name, struct runstate_id *id)
{
	char file[ENBD_NAME_MAX + 8];
	struct enbd_err ignored;
	int dir = open_dir(false, &ignored);

	memset(id, 0, sizeof(*id));
	if (dir < 0)
		return;
	file_name(file, sizeof(file), name);
	identify(dir, file, id);
	close(dir);
}

void runstate_remove(const char *name, const struct runstate_id *id)
{
	char file[ENBD_NAME_MAX + 8];
	struct runstate_id now;
	struct enbd_err ignored;
	int dir = open_dir(false, &ignored), held;

	if (dir < 0)
		return;
	file_name(file, sizeof(file), name);
	held = lock(dir, LOCK_FILE, LOCK_EX);
	identify(dir, file, &now);
	if (!now.known || (id->known && !memcmp(now.session, id->session,
						sizeof(now.session))))
		unlinkat(dir, file, 0);
	if (held >= 0)
		close(held);
	close(dir);
}

int runstate_lock_monitor(struct enbd_err *err)
{
	int dir = open_dir(true, err), fd;

	if (dir < 0)
		return -1;
	fd = lock(dir, MONITOR_FILE, LOCK_EX | LOCK_NB);
	if (fd < 0 && errno == EWOULDBLOCK)
		enbd_fail(err, ENBD_EXIT_BUSY,
			  "monitor: another one is running already; one is enough for all devices");
	else if (fd < 0)
		failed(err, MONITOR_FILE, strerror(errno));
	close(dir);
	return fd;
}

int runstate_trylock(const char *file)
{
	struct enbd_err ignored;
	int dir = open_dir(true, &ignored), fd;

	if (dir < 0)
		return -1;
	fd = lock(dir, file, LOCK_EX | LOCK_NB);
	close(dir);
	return fd;
}

int runstate_lock(const char *file, struct enbd_err *err)
{
	int dir = open_dir(true, err), fd;

	if (dir < 0)
		return -1;
	fd = lock(dir, file, LOCK_EX);
	if (fd < 0)
		failed(err, file, strerror(errno));
	close(dir);
	return fd;
}
