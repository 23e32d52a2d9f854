// SPDX-License-Identifier: GPL-2.0
/*
 * The history checker: writes numbered, self-describing blocks to a disk through
 * many threads, reads them all the time and once more at the end, and finds every
 * read that no order of the acknowledged writes allows (see ledger.h). An I/O
 * error is a violation as well, unless --errors-allowed.
 *
 *     history-check --device FILE [--units N] [--threads N] [--seconds N]
 *             [--seed N] [--pause-us N] [--no-trim] [--errors-allowed]
 *             [--stuck SECONDS] [--log FILE] [--stats FILE]
 *
 * Without --seconds it ends with SIGTERM. The disk's first N units must be
 * zeroes. Exit status: 0 nothing wrong, 1 a violation, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "journal.h"
#include "ledger.h"

#define RUN_UNITS	16	/* longest operation */
#define HOT_UNITS	48	/* half of all goes to these */
#define MAX_THREADS	64
#define BUCKETS		28

struct worker {
	pthread_t thread;
	unsigned int number;
	uint64_t random;
	uint64_t began;		/* of what is under way, 0: nothing */
	uint64_t longest;	/* since it was asked for */
	uint64_t count[OP_FLUSH + 1], errors;
	uint64_t took[BUCKETS];	/* by the logarithm of microseconds */
	uint8_t *buf;
};

static struct {
	const char *device, *log, *stats;
	uint32_t units;
	unsigned int threads, seconds, pause_us, stuck;
	uint64_t seed;
	int no_trim, errors_allowed;
} opt = {
	.units = 1024, .threads = 16, .pause_us = 2000, .seed = 1, .stuck = 120,
};

static struct ledger ledger;
static struct worker workers[MAX_THREADS];
static int disk_fd, block_device;
static volatile sig_atomic_t stop;
static uint64_t longest_ever;
static unsigned int violations;
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t random_next(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random * 0x2545f4914f6cdd1dULL >> 16;
}

static void ask_to_stop(int number)
{
	(void)number;
	stop = 1;
}

/* ---- what is wrong ---- */

static void describe_unit(FILE *to, const uint8_t *data, uint32_t unit)
{
	static const char *const kinds[] = { "write", "zeroes", "foreign", "broken" };
	struct sector s;
	unsigned int i;

	for (i = 0; i < UNIT_SECTORS; i++) {
		s = block_sector(data + i * SECTOR_SIZE, ledger.run, unit, i);
		fprintf(to, "  sector %u: %s", i, kinds[s.kind]);
		if (s.kind == SECTOR_DATA)
			fprintf(to, " %" PRIu64 " by thread %u", s.seq, s.writer);
		else if (s.kind != SECTOR_ZERO)
			fprintf(to, ", says run %" PRIx64 " unit %u sector %u write %" PRIu64,
				s.run, s.unit, s.number, s.seq);
		fputc('\n', to);
	}
}

/* One line on stderr; all that is known of @unit in the log. */
static void violation(uint32_t unit, const uint8_t *data, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void violation(uint32_t unit, const uint8_t *data, const char *format, ...)
{
	char text[256];
	va_list args;
	FILE *log;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&report_lock);
	if (!violations++ || !stop)
		fprintf(stderr, "history-check: violation: %s\n", text);
	log = opt.log && violations <= 10 ? fopen(opt.log, "a") : NULL;
	if (log) {
		fprintf(log, "%" PRIu64 ".%06" PRIu64 " violation: %s\n",
			now_us() / 1000000, now_us() % 1000000, text);
		if (data)
			describe_unit(log, data, unit);
		fprintf(log, "what happened to unit %u:\n", unit);
		journal_print(log, unit);
		fclose(log);
	}
	stop = 1;
	pthread_mutex_unlock(&report_lock);
}

static void judge_unit(uint32_t unit, const struct window *w, const uint8_t *data)
{
	unsigned int sector = 0;
	struct unit allowed;
	enum verdict v;

	v = ledger_read_end(&ledger, unit, w, data, &allowed, &sector);
	if (v != VERDICT_GOOD)
		violation(unit, data,
			  "unit %u sector %u: %s; allowed are writes %" PRIu64 " to %" PRIu64,
			  unit, sector, verdict_name(v), allowed.low,
			  allowed.last);
}

/* ---- operations ---- */

static int do_io(struct worker *w, enum op op, uint32_t first, unsigned int n)
{
	struct iovec vec = { w->buf, n * (size_t)UNIT_SIZE };
	uint64_t range[2] = { (uint64_t)first * UNIT_SIZE, vec.iov_len };
	int hole = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
	ssize_t done = vec.iov_len;
	int flags, ret = 0;

	switch (op) {
	case OP_READ:
		done = preadv2(disk_fd, &vec, 1, range[0], 0);
		break;
	case OP_WRITE:
		flags = random_next(w) % 16 ? 0 : RWF_DSYNC;
		done = pwritev2(disk_fd, &vec, 1, range[0], flags);
		break;
	case OP_ZERO:
		/* A disk without either can only be written zeroes to. */
		if (random_next(w) % 2 || opt.no_trim)
			hole = FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE;
		ret = fallocate(disk_fd, hole, range[0], range[1]);
		break;
	case OP_TRIM:
		ret = block_device ? ioctl(disk_fd, BLKDISCARD, range) :
				     fallocate(disk_fd, hole, range[0], range[1]);
		break;
	case OP_FLUSH:
		ret = fdatasync(disk_fd);
		break;
	}
	if (ret || done < 0)
		return errno;
	return done == (ssize_t)vec.iov_len ? 0 : EIO;
}

static void account(struct worker *w, enum op op, uint64_t us, int error)
{
	unsigned int bucket = us ? 63 - __builtin_clzll(us) : 0;

	w->count[op]++;
	w->errors += !!error;
	w->took[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (us > w->longest)
		__atomic_store_n(&w->longest, us, __ATOMIC_RELAXED);
}

static int timed_io(struct worker *w, enum op op, uint32_t first, unsigned int n,
		    const uint64_t *seq)
{
	uint64_t begin = now_us(), number;
	int error;

	number = journal_begin(op, first, n, seq, w->number);
	__atomic_store_n(&w->began, begin, __ATOMIC_RELAXED);
	error = do_io(w, op, first, n);
	__atomic_store_n(&w->began, 0, __ATOMIC_RELAXED);
	journal_end(number, error);
	account(w, op, now_us() - begin, error);
	if (error && !opt.errors_allowed)
		violation(first, NULL, "unit %u+%u: I/O error: %s", first, n,
			  strerror(error));
	return error;
}

static void change(struct worker *w, enum op op, uint32_t first, unsigned int n)
{
	uint64_t seq[RUN_UNITS];
	unsigned int i;
	int error;

	if (!ledger_begin(&ledger, op, first, n, seq))
		return;
	for (i = 0; i < n && op == OP_WRITE; i++)
		block_fill(w->buf + (size_t)i * UNIT_SIZE, ledger.run, first + i,
			   seq[i], w->number);
	error = timed_io(w, op, first, n, seq);
	ledger_end(&ledger, op, first, n, !error);
}

static void look(struct worker *w, uint32_t first, unsigned int n)
{
	struct window window[RUN_UNITS];
	unsigned int i;

	ledger_read_begin(&ledger, first, n, window);
	if (timed_io(w, OP_READ, first, n, NULL))
		return;
	for (i = 0; i < n; i++)
		judge_unit(first + i, &window[i], w->buf + (size_t)i * UNIT_SIZE);
}

static void one(struct worker *w)
{
	unsigned int n = random_next(w) % 4 ? 1 : 1 + random_next(w) % RUN_UNITS;
	uint32_t span = opt.units, first;

	if (random_next(w) % 2 && span > HOT_UNITS)
		span = HOT_UNITS;
	first = random_next(w) % span;
	if (n > opt.units - first)
		n = opt.units - first;
	switch (random_next(w) % 64) {
	case 0:
		timed_io(w, OP_FLUSH, first, 0, NULL);
		break;
	case 1:
		change(w, OP_ZERO, first, n);
		break;
	case 2:
		change(w, opt.no_trim ? OP_ZERO : OP_TRIM, first, n);
		break;
	case 3 ... 36:
		change(w, OP_WRITE, first, n);
		break;
	default:
		look(w, first, n);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!stop) {
		one(w);
		if (opt.pause_us)
			usleep(random_next(w) % (2 * opt.pause_us));
	}
	return NULL;
}

/* ---- the program ---- */

static void write_stats(int fd)
{
	uint64_t count[OP_FLUSH + 1] = { 0 }, errors = 0, longest = 0, us;
	char line[256];
	unsigned int i, k;
	int n;

	for (i = 0; i < opt.threads; i++) {
		us = __atomic_exchange_n(&workers[i].longest, 0, __ATOMIC_RELAXED);
		longest = us > longest ? us : longest;
		errors += workers[i].errors;
		for (k = 0; k <= OP_FLUSH; k++)
			count[k] += workers[i].count[k];
	}
	longest_ever = longest > longest_ever ? longest : longest_ever;
	n = snprintf(line, sizeof(line),
		     "reads=%" PRIu64 " writes=%" PRIu64 " zeroes=%" PRIu64
		     " trims=%" PRIu64 " flushes=%" PRIu64 " errors=%" PRIu64
		     " violations=%u longest_us=%" PRIu64,
		     count[OP_READ], count[OP_WRITE], count[OP_ZERO],
		     count[OP_TRIM], count[OP_FLUSH], errors, violations,
		     longest_ever);
	if (fd >= 0) {
		/* Always as long, so that a reader never sees two of them. */
		memset(line + n, ' ', sizeof(line) - n);
		line[sizeof(line) - 1] = '\n';
		if (pwrite(fd, line, sizeof(line), 0) < 0)
			perror(opt.stats);
	} else {
		printf("%s\n", line);
	}
}

static void look_for_stuck(void)
{
	uint64_t now = now_us(), began;
	unsigned int i;

	for (i = 0; i < opt.threads && opt.stuck; i++) {
		began = __atomic_load_n(&workers[i].began, __ATOMIC_RELAXED);
		if (!began || now < began || now - began < opt.stuck * 1000000ULL)
			continue;
		violation(0, NULL, "thread %u: no answer for %u s", i, opt.stuck);
		/* Threads in the kernel cannot be waited for. */
		write_stats(-1);
		_exit(1);
	}
}

static void final_look(void)
{
	uint32_t at, n;

	for (at = 0; at < opt.units; at += RUN_UNITS) {
		n = opt.units - at < RUN_UNITS ? opt.units - at : RUN_UNITS;
		look(&workers[0], at, n);
	}
}

static void print_times(void)
{
	uint64_t sum;
	unsigned int b, i;

	for (b = 14; b < BUCKETS; b++) {
		for (sum = 0, i = 0; i < opt.threads; i++)
			sum += workers[i].took[b];
		if (sum)
			printf("took %u to %u ms: %" PRIu64 "\n",
			       (1u << b) / 1000, (1u << (b + 1)) / 1000, sum);
	}
}

static int usage(void)
{
	fprintf(stderr, "history-check: usage: history-check --device FILE [OPTION...], see the head of history.c\n");
	return 2;
}

static int options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "device", 1, NULL, 'd' }, { "units", 1, NULL, 'u' },
		{ "threads", 1, NULL, 't' }, { "seconds", 1, NULL, 's' },
		{ "seed", 1, NULL, 'r' }, { "pause-us", 1, NULL, 'p' },
		{ "log", 1, NULL, 'l' }, { "stats", 1, NULL, 'o' },
		{ "stuck", 1, NULL, 'k' }, { "no-trim", 0, &opt.no_trim, 1 },
		{ "errors-allowed", 0, &opt.errors_allowed, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (c) {
		case 0: break;
		case 'd': opt.device = optarg; break;
		case 'u': opt.units = strtoul(optarg, NULL, 0); break;
		case 't': opt.threads = strtoul(optarg, NULL, 0); break;
		case 's': opt.seconds = strtoul(optarg, NULL, 0); break;
		case 'r': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'p': opt.pause_us = strtoul(optarg, NULL, 0); break;
		case 'k': opt.stuck = strtoul(optarg, NULL, 0); break;
		case 'l': opt.log = optarg; break;
		case 'o': opt.stats = optarg; break;
		default: return -1;
		}
	}
	if (!opt.device || optind < argc || !opt.units || !opt.threads ||
	    opt.threads > MAX_THREADS)
		return -1;
	return 0;
}

static int start_workers(void)
{
	unsigned int i;
	void *buf;

	for (i = 0; i < opt.threads; i++) {
		struct worker *w = &workers[i];

		if (posix_memalign(&buf, 4096, RUN_UNITS * UNIT_SIZE))
			return -1;
		w->buf = buf;
		w->number = i;
		w->random = (opt.seed + 1) * 0x9e3779b97f4a7c15ULL + i * 7919 + 1;
	}
	for (i = 0; i < opt.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int stats_fd = -1;
	uint64_t begin;
	unsigned int i;
	struct stat st;

	if (options(argc, argv))
		return usage();
	disk_fd = open(opt.device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk_fd < 0 || fstat(disk_fd, &st)) {
		fprintf(stderr, "history-check: %s: %s\n", opt.device, strerror(errno));
		return 2;
	}
	block_device = S_ISBLK(st.st_mode);
	if (opt.stats)
		stats_fd = open(opt.stats, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	begin = now_us();
	if (ledger_init(&ledger, opt.units, begin ^ opt.seed << 40) ||
	    start_workers()) {
		fprintf(stderr, "history-check: no memory\n");
		return 2;
	}
	signal(SIGTERM, ask_to_stop);
	signal(SIGINT, ask_to_stop);
	while (!stop) {
		usleep(100000);
		if (stats_fd >= 0)
			write_stats(stats_fd);
		look_for_stuck();
		if (opt.seconds && now_us() - begin > opt.seconds * 1000000ULL)
			stop = 1;
	}
	for (i = 0; i < opt.threads; i++) {
		while (__atomic_load_n(&workers[i].began, __ATOMIC_RELAXED)) {
			usleep(10000);
			look_for_stuck();
		}
		pthread_join(workers[i].thread, NULL);
	}
	if (!violations)
		final_look();
	write_stats(-1);
	print_times();
	return violations != 0;
}
