// SPDX-License-Identifier: GPL-2.0
/* link: tools/enbd-server/state_dir.c tools/enbd-server/identity.c */
/* The state directory itself: its secret, and who may have a hand in it. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "state_folder.h"

static void test_secret(void **unused)
{
	struct enbd_err err = { 0 };
	struct state_dir again;
	struct stat st;

	(void)unused;
	assert_int_equal(stat(secret_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(state_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(state_dir_open(&again, &config, &err), 0);
	assert_memory_equal(again.secret, state.secret, SECRET_LEN);
	state_dir_close(&again);
	/* Another folder, another secret */
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(state_dir_open(&again, &config, &err), 0);
	assert_memory_not_equal(again.secret, state.secret, SECRET_LEN);
	state_dir_close(&again);
}

/* Many servers at once make one secret. */
static void test_secret_race(void **unused)
{
	uint8_t one[SECRET_LEN], two[SECRET_LEN];
	struct enbd_err err = { 0 };
	struct state_dir again;
	unsigned int round, i;
	int fds[2];

	(void)unused;
	for (round = 0; round < 20; round++) {
		assert_int_equal(unlink(secret_path), 0);
		assert_int_equal(pipe(fds), 0);
		for (i = 0; i < 4; i++) {
			if (fork())
				continue;
			if (state_dir_open(&again, &config, &err) ||
			    write(fds[1], again.secret, SECRET_LEN) !=
			    SECRET_LEN)
				_exit(1);
			_exit(0);
		}
		close(fds[1]);
		for (i = 0; i < 4; i++) {
			assert_int_equal(read(fds[0], i ? two : one,
					      SECRET_LEN), SECRET_LEN);
			if (i)
				assert_memory_equal(one, two, SECRET_LEN);
		}
		close(fds[0]);
		while (wait(NULL) > 0)
			;
	}
}

static void test_unusable(void **unused)
{
	struct server_config other = { .boot_id_file = boot_path };
	struct enbd_err err = { 0 };
	struct state_dir one, two;
	char path[80];

	(void)unused;
	/* A damaged secret is not replaced: clients would be shut out. */
	write_file(secret_path, "abc\n");
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "is damaged"));
	/* Nor is one believed that somebody else may know or have made. */
	assert_int_equal(chmod(secret_path, 0640), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "others may"));
	assert_int_equal(chmod(secret_path, 0600), 0);
	assert_int_equal(chmod(state_path, 0770), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "others may"));
	assert_int_equal(chmod(state_path, 0700), 0);
	assert_int_equal(unlink(secret_path), 0);
	assert_int_equal(symlink(boot_path, secret_path), 0);
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "symbolic link"));
	snprintf(path, sizeof(path), "%s/no/such", dir);
	other.state_dir = path;
	assert_int_equal(state_dir_open(&one, &other, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	/* None is wanted: a secret that stays the same, no warning */
	other.state_dir = "-";
	assert_int_equal(state_dir_open(&one, &other, &err), 0);
	assert_int_equal(state_dir_open(&two, &other, &err), 0);
	assert_int_equal(one.fd, -1);
	assert_string_equal(one.warning, "");
	assert_memory_equal(one.secret, two.secret, SECRET_LEN);
	/* The boot must have a name. */
	assert_int_equal(unlink(secret_path), 0);
	write_file(boot_path, "");
	assert_int_equal(state_dir_open(&one, &config, &err), -1);
	assert_non_null(strstr(err.text, "names this boot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret_race, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unusable, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
