// SPDX-License-Identifier: GPL-2.0
/* enbdctl: which verb, or which program, if called enbd-client */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "verb.h"

static const struct {
	const char *name;
	char *title;
	int (*run)(int argc, char **argv);
	const char *help;
} verbs[] = {
	{ "connect", "enbdctl connect", verb_connect,
	  "URI... [DEVICE]    make a disk of an export" },
	{ "disconnect", "enbdctl disconnect", verb_disconnect,
	  "DEVICE | --all     remove a device" },
	{ "status", "enbdctl status", verb_status,
	  "[DEVICE]           show devices and channels" },
	{ "channel", "enbdctl channel", verb_channel,
	  "add|del|list DEVICE  the channels of a device" },
	{ "monitor", "enbdctl monitor", verb_monitor,
	  "                   connect again what is lost" },
	{ "set", "enbdctl set", verb_set,
	  "DEVICE             change time limits and replay policy" },
	{ "lost-regions", "enbdctl lost-regions", verb_lost_regions,
	  "DEVICE             what the server may have forgotten" },
	{ "accept", "enbdctl accept", verb_accept,
	  "DEVICE             use a stale device as it is" },
	{ "events", "enbdctl events", verb_events,
	  "                   watch what happens to them" },
	{ "resize", "enbdctl resize", verb_resize,
	  "DEVICE [SIZE]      take over the size of the export" },
	{ "up", "enbdctl up", verb_up,
	  "NAME | --all       connect as enbd.conf(5) says" },
	{ "down", "enbdctl down", verb_down,
	  "NAME | --all       disconnect again" },
	{ "check-config", "enbdctl check-config", verb_check_config,
	  "[FILE]             is enbd.conf(5) right?" },
	{ "readd", "enbdctl readd", verb_readd,
	  "DEVICE             back into its md array" },
	{ "list-exports", "enbdctl list-exports", verb_list_exports,
	  "URI                names of a server's exports" },
	{ "probe", "enbdctl probe", verb_probe,
	  "URI                what a server says about an export" },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const char *argp_program_version = "enbdctl " ENBD_VERSION;

static void help(void)
{
	size_t i;

	printf("Usage: enbdctl VERB ...\n"
	       "Control of the Enhanced Network Block Device.\n\n");
	for (i = 0; i < VERB_COUNT; i++)
		printf("  %-13s%s\n", verbs[i].name, verbs[i].help);
	printf("\nenbdctl VERB --help tells more, and so does enbdctl(8).\n");
}

static int dispatch(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		enbd_error("the verb is missing; see enbdctl --help");
		return ENBD_EXIT_USAGE;
	}
	for (i = 0; i < VERB_COUNT; i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		argv[1] = verbs[i].title;
		return verbs[i].run(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") ||
	    !strcmp(argv[1], "help")) {
		help();
		return ENBD_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return ENBD_EXIT_OK;
	}
	enbd_error("%s: no such verb; see enbdctl --help", argv[1]);
	return ENBD_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int rc;

	signal(SIGPIPE, SIG_IGN);
	enbd_json_init();
	if (!strcmp(program_invocation_short_name, "enbd-client")) {
		enbd_log_init("enbd-client");
		argp_program_version = "enbd-client " ENBD_VERSION;
		argv[0] = program_invocation_short_name;
		rc = verb_enbd_client(argc, argv);
	} else {
		enbd_log_init("enbdctl");
		rc = dispatch(argc, argv);
	}
	if (fflush(stdout) || ferror(stdout)) {
		/* Who reads "status | head" has had enough, that is no news. */
		if (errno != EPIPE)
			enbd_error("cannot write to standard output: %s",
				   strerror(errno));
		return rc ? rc : ENBD_EXIT_GENERAL;
	}
	return rc;
}
