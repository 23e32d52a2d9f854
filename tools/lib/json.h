/* SPDX-License-Identifier: GPL-2.0 */
/* What cJSON lacks: whole numbers of 64 bits, and text of any bytes. */
#ifndef ENBD_JSON_H
#define ENBD_JSON_H

#include <cjson/cJSON.h>
#include <stdint.h>

/* Call first: from then on a lack of memory ends the program with a message. */
void enbd_json_init(void);

/* A number that is printed digit by digit, unlike cJSON's doubles */
void enbd_json_u64(cJSON *object, const char *key, uint64_t value);

/* A string; what is not UTF-8 in it becomes '?'. */
void enbd_json_text(cJSON *object, const char *key, const char *text);

/* Prints @root on stdout with an end of line and frees it. */
void enbd_json_print(cJSON *root);

/* The same, all in one line */
void enbd_json_print_line(cJSON *root);

#endif /* ENBD_JSON_H */
