/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The last things that happened to the disk, in memory, written out when
 * something is wrong. Times are of CLOCK_MONOTONIC, in microseconds.
 */
#ifndef TORTURE_JOURNAL_H
#define TORTURE_JOURNAL_H

#include <stdint.h>
#include <stdio.h>

#include "ledger.h"

/*
 * Number of an operation, by which its end is told. @n: at most 16; @seq: the
 * number of the write for each unit, or NULL.
 */
uint64_t journal_begin(enum op op, uint32_t first, unsigned int n,
		       const uint64_t *seq, unsigned int thread);

/* @error: its errno, 0 for none */
void journal_end(uint64_t number, int error);

/* Everything that touched @unit, oldest first. */
void journal_print(FILE *to, uint32_t unit);

uint64_t now_us(void);

#endif
