/* SPDX-License-Identifier: GPL-2.0 */
/* The command line. */
#ifndef ENBD_SERVER_OPTIONS_H
#define ENBD_SERVER_OPTIONS_H

#include "config.h"

/**
 * options_parse() - command line and, where it names one, configuration file
 * @config: initialised
 * @argc: of main()
 * @argv: of main(); a secret in it is overwritten
 * @err: says what is wrong
 *
 * Exits by itself for --help, --version and unknown options.
 *
 * Return: 0 or -1.
 */
int options_parse(struct server_config *config, int argc, char **argv,
		  struct enbd_err *err);

#endif /* ENBD_SERVER_OPTIONS_H */
