// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/slog.c tools/enbd-server/slog_queue.c */
/* Messages while nobody takes them: nobody waits, and their number is told. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/enbd-server/slog.h"
#include "tools/enbd-server/slog_queue.h"
#include "tools/lib/logqueue.h"
#include "tools/enbd-server/util.h"

#define MESSAGES	1000u
#define DEADLINE_S	30

static int real_stderr, reader;

/* stderr is a pipe that is full. */
static int setup(void **state)
{
	char junk[4096];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	memset(junk, '\n', sizeof(junk));
	while (write(fds[1], junk, sizeof(junk)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	reader = fds[0];
	real_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	return 0;
}

static void test_queue(void **state)
{
	unsigned int i, written = 0, dropped = 0, number;
	long long start, end;
	char line[2048];
	FILE *pipe_end;

	(void)state;
	/* If somebody waits there is nobody to wake him. */
	alarm(DEADLINE_S);
	slog_queue_start();
	for (i = 0; i < MESSAGES; i++)
		slog_error("message %u", i);
	start = now_ms();
	logqueue_drain(200);
	end = now_ms();
	pipe_end = fdopen(reader, "r");
	while (written + dropped < MESSAGES) {
		const char *text;

		assert_non_null(fgets(line, sizeof(line), pipe_end));
		text = strstr(line, ": ");
		if (!text)
			continue;
		if (sscanf(text, ": message %u", &number) == 1) {
			assert_int_equal(number, written);
			written++;
		} else {
			assert_int_equal(sscanf(text, ": %u messages were left out",
						&number), 1);
			dropped += number;
		}
	}
	/* Now all is taken, and so they are all there at once. */
	slog_info("one more");
	logqueue_drain(DEADLINE_S * 1000);
	assert_non_null(fgets(line, sizeof(line), pipe_end));
	dup2(real_stderr, STDERR_FILENO);
	assert_non_null(strstr(line, "one more"));
	assert_in_range(written, LOGQUEUE_ROOM, LOGQUEUE_ROOM + 1);
	assert_in_range(end - start, 190, 5000);
	fclose(pipe_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_queue, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
