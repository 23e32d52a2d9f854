// SPDX-License-Identifier: GPL-2.0
#include "ending.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t told;

static void on_term(int number)
{
	(void)number;
	told = 1;
}

void ending_catch(void)
{
	const struct sigaction action = {
		.sa_handler = on_term,
		.sa_flags = SA_RESTART,
	};

	sigaction(SIGTERM, &action, NULL);
}

bool ending_told(void)
{
	return told;
}
