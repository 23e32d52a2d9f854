/* SPDX-License-Identifier: GPL-2.0 */
/* The devices that the administrator wants: enbd.conf(5). */
#ifndef ENBDCTL_CONF_H
#define ENBDCTL_CONF_H

#include <linux/enbd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dial.h"
#include "error.h"
#include "nl_msg.h"

#define CONF_PATH	"/etc/enbd/enbd.conf"

/* Longest name of a section, which is part of names of units and files */
#define CONF_NAME_MAX	64

/**
 * struct conf_device - a section [device NAME]
 * @next: in the order of the file
 * @name: of the section
 * @line: where it begins
 * @keys: which keys it has had; belongs to conf.c
 * @device: "nda" and so on, "" for the first free one
 * @dial: where to, and how
 * @options: of the device; its number is -1
 * @binds: texts that @dial refers to
 * @bind_count: how many
 * @signature: what @dial refers to
 * @secret: that the signature is derived from, or NULL
 */
struct conf_device {
	struct conf_device *next;
	char *name;
	unsigned int line;
	unsigned int keys;
	char device[ENBD_NAME_MAX];
	struct dial dial;
	struct device_options options;
	char *binds[ENBD_MAX_CHANNELS];
	unsigned int bind_count;
	uint8_t signature[ENBD_SIGNATURE_LEN];
	char *secret;
};

/**
 * struct conf - the file
 * @devices: its sections
 * @last: where the next one goes
 */
struct conf {
	struct conf_device *devices;
	struct conf_device **last;
};

void conf_init(struct conf *conf);
void conf_free(struct conf *conf);

/**
 * conf_read() - read it, and see that it is complete and consistent
 * @conf: initialised; to be freed also after an error
 * @stream: the open file
 * @path: its name, for messages
 * @err: "PATH:LINE: what: why; remedy", ENBD_EXIT_USAGE
 *
 * Nothing but the file is looked at: names are not resolved.
 *
 * Return: 0 or -1.
 */
int conf_read(struct conf *conf, FILE *stream, const char *path,
	      struct enbd_err *err);

/* The same for the name of a file, /etc/enbd/enbd.conf if that is NULL */
int conf_load(struct conf *conf, const char *path, struct enbd_err *err);

/* The device of that name, NULL if there is none */
struct conf_device *conf_find(const struct conf *conf, const char *name);

/* Is that an address of the device's export, however it is written? */
bool conf_has(const struct conf_device *d, const struct enbd_uri *uri);

#endif /* ENBDCTL_CONF_H */
