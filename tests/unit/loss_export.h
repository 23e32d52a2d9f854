/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An export on files whose flushes fail when a test wants it, and requests to it.
 * For test_server_loss.c alone.
 */
#ifndef LOSS_EXPORT_H
#define LOSS_EXPORT_H


static const char template[] = "/tmp/test_server_loss.XXXXXX";
static char dir[sizeof(template)];
static char state_path[64], disk_path[64], other_path[64];
static char *files[] = { disk_path, other_path };
static struct server_config server;
static struct state_dir state;

/*
 * fdatasync() or fsync() of the file that is named here fails once, at @fail_at or
 * later; @others: that of all others, each time, and these wait for @hold_others
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd;
	bool hold;
	unsigned int running;
	unsigned int calls;
	unsigned int fail_at;
	int error;
	int others;
	bool hold_others;
	unsigned int others_held;
} sync_of = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.fd = -1,
};

static int do_sync(int fd, long number)
{
	int error = 0;

	pthread_mutex_lock(&sync_of.lock);
	if (fd == sync_of.fd) {
		sync_of.calls++;
		sync_of.running++;
		assert_int_equal(sync_of.running, 1);
		pthread_cond_broadcast(&sync_of.changed);
		while (sync_of.hold)
			pthread_cond_wait(&sync_of.changed, &sync_of.lock);
		/* As the kernel does it: told once. */
		if (sync_of.calls >= sync_of.fail_at) {
			error = sync_of.error;
			sync_of.error = 0;
		}
		sync_of.running--;
	} else {
		sync_of.others_held += sync_of.hold_others;
		pthread_cond_broadcast(&sync_of.changed);
		while (sync_of.hold_others)
			pthread_cond_wait(&sync_of.changed, &sync_of.lock);
		error = sync_of.others;
		pthread_cond_broadcast(&sync_of.changed);
	}
	pthread_mutex_unlock(&sync_of.lock);
	if (error) {
		errno = error;
		return -1;
	}
	return (int)syscall(number, fd);
}

int fdatasync(int fd)
{
	return do_sync(fd, SYS_fdatasync);
}

int fsync(int fd)
{
	return do_sync(fd, SYS_fsync);
}

/*
 * Looks at what has failed, each of which is told once, and what file systems
 * have to say
 */
static struct {
	unsigned int calls;
	int error;
	unsigned int syncfs_calls;
	unsigned int syncfs_asked;
	unsigned int syncfs_errors;	/* so many times */
} looks;

int sync_file_range(int fd, off_t offset, off_t length, unsigned int flags)
{
	int error;

	assert_true(offset > 1ll << 40);
	assert_int_equal(length, 1);
	assert_int_equal(flags, SYNC_FILE_RANGE_WAIT_BEFORE);
	pthread_mutex_lock(&sync_of.lock);
	/* It would be told instead of the flush. */
	if (fd == sync_of.fd)
		assert_int_equal(sync_of.running, 0);
	looks.calls++;
	error = looks.error;
	looks.error = 0;
	pthread_cond_broadcast(&sync_of.changed);
	pthread_mutex_unlock(&sync_of.lock);
	errno = error;
	return error ? -1 : 0;
}

/*
 * The oldest question to the kernel that is known of, 0: none. @forget: and that is
 * the end of it
 */
static int64_t ask_marks(bool forget)
{
	DIR *folder = opendir(state_path);
	struct dirent *entry;
	int64_t since = 0;
	int fd, marks;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, "export-", 7))
			continue;
		fd = openat(dirfd(folder), entry->d_name, O_RDONLY);
		assert_true(fd >= 0);
		marks = marks_open(fd);
		since = marks_oldest(marks);
		close(marks);
		if (forget)
			marks_remove(fd);
		close(fd);
	}
	closedir(folder);
	return since;
}

static int64_t question(void)
{
	return ask_marks(false);
}

int syncfs(int fd)
{
	int error;

	(void)fd;
	pthread_mutex_lock(&sync_of.lock);
	looks.syncfs_calls++;
	looks.syncfs_asked += question() != 0;
	error = looks.syncfs_errors ? EIO : 0;
	looks.syncfs_errors -= !!looks.syncfs_errors;
	pthread_mutex_unlock(&sync_of.lock);
	errno = error;
	return error ? -1 : 0;
}

struct call {
	struct block_io io;
	bool done;
	unsigned int retired;	/* connections, until then */
};

static atomic_uint retired;
static char block[512];

static void call_done(struct block_io *io)
{
	struct call *call = container_of(io, struct call, io);

	pthread_mutex_lock(&sync_of.lock);
	call->retired = atomic_load(&retired);
	call->done = true;
	pthread_cond_broadcast(&sync_of.changed);
	pthread_mutex_unlock(&sync_of.lock);
}

static void begin(struct export *export, struct call *call, enum io_op op,
		  unsigned int epoch)
{
	memset(call, 0, sizeof(*call));
	call->io.op = op;
	call->io.epoch = epoch;
	call->io.done = call_done;
	export->target.ops->submit(&export->target, &call->io);
}

static void begin_fua(struct export *export, struct call *call, enum io_op op)
{
	memset(call, 0, sizeof(*call));
	call->io.op = op;
	call->io.flags = IO_FUA;
	call->io.length = sizeof(block);
	call->io.buf = op == IO_WRITE ? block : NULL;
	call->io.done = call_done;
	export->target.ops->submit(&export->target, &call->io);
}

static struct timespec deadline(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += DEADLINE_S;
	return ts;
}

static int await(struct call *call)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&sync_of.lock);
	while (!call->done)
		assert_int_equal(pthread_cond_timedwait(&sync_of.changed,
							&sync_of.lock, &until),
				 0);
	pthread_mutex_unlock(&sync_of.lock);
	return call->io.error;
}

static int flush(struct export *export, unsigned int epoch)
{
	struct call call;

	begin(export, &call, IO_FLUSH, epoch);
	return await(&call);
}

static void await_calls(unsigned int calls)
{
	const struct timespec until = deadline();

	pthread_mutex_lock(&sync_of.lock);
	while (sync_of.calls < calls)
		assert_int_equal(pthread_cond_timedwait(&sync_of.changed,
							&sync_of.lock, &until),
				 0);
	pthread_mutex_unlock(&sync_of.lock);
}

static void set_hold(bool hold)
{
	pthread_mutex_lock(&sync_of.lock);
	sync_of.hold = hold;
	pthread_cond_broadcast(&sync_of.changed);
	pthread_mutex_unlock(&sync_of.lock);
}

static int setup(void **unused)
{
	struct enbd_err err = { 0 };

	(void)unused;
	memcpy(dir, template, sizeof(dir));
	assert_non_null(mkdtemp(dir));
	snprintf(state_path, sizeof(state_path), "%s/state", dir);
	snprintf(disk_path, sizeof(disk_path), "%s/disk", dir);
	snprintf(other_path, sizeof(other_path), "%s/other", dir);
	close(open(disk_path, O_RDWR | O_CREAT, 0600));
	close(open(other_path, O_RDWR | O_CREAT, 0600));
	assert_int_equal(truncate(disk_path, 1 << 20), 0);
	assert_int_equal(truncate(other_path, 1 << 20), 0);
	server.state_dir = state_path;
	if (state_dir_open(&state, &server, &err))
		fail_msg("%s", err.text);
	memset(&sync_of.fd, 0xff, sizeof(sync_of.fd));
	sync_of.calls = 0;
	sync_of.fail_at = 0;
	sync_of.error = 0;
	sync_of.others_held = 0;
	atomic_store(&retired, 0);
	memset(&looks, 0, sizeof(looks));
	return 0;
}

static int teardown(void **unused)
{
	char command[128];

	(void)unused;
	ask_marks(true);
	state_dir_close(&state);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct export *open_export(struct export_config *config,
				  struct state_dir *with)
{
	struct enbd_err err = { 0 };
	struct export *export = export_open(config, 4, with, &err);

	if (!export)
		fail_msg("%s", err.text);
	return export;
}

static void identify(struct export *export, struct target_identity *id)
{
	assert_int_equal(export->target.ops->identify(&export->target, id), 0);
}

#endif /* LOSS_EXPORT_H */
