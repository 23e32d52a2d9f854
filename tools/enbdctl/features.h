/* SPDX-License-Identifier: GPL-2.0 */
/* Names of the extension's features (protocol.rst, "HELLO"). */
#ifndef ENBDCTL_FEATURES_H
#define ENBDCTL_FEATURES_H

#include <cjson/cJSON.h>
#include <stdint.h>

#define FEATURES_TEXT_MAX	64

/* "fence keepalive", or "none", into @buf of FEATURES_TEXT_MAX. Return: @buf. */
char *features_text(char *buf, uint32_t features);

/* An array of the names */
cJSON *features_json(uint32_t features);

#endif /* ENBDCTL_FEATURES_H */
