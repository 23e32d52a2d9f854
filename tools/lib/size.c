// SPDX-License-Identifier: GPL-2.0
#include "size.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define UNITS "kmgtpe"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool decimal_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits of @base at *@text and moves behind them. */
static int whole(const char **text, unsigned int base, uint64_t *value)
{
	const char *s = *text;
	uint64_t v = 0;
	int d;

	for (; (d = hex_digit(*s)) >= 0 && (unsigned int)d < base; s++) {
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return -ERANGE;
	}
	if (s == *text)
		return -EINVAL;
	*text = s;
	*value = v;
	return 0;
}

/* How far to shift for the unit at @s, -1 if it is none */
static int unit_shift(const char *s)
{
	const char *unit;

	if (!*s || !strcasecmp(s, "b"))
		return 0;
	unit = strchr(UNITS, *s | 0x20);
	if (!unit)
		return -1;
	s++;
	if (*s && strcasecmp(s, "b") && strcasecmp(s, "ib"))
		return -1;
	return 10 * (int)(unit - UNITS + 1);
}

/* Digits behind the point; *@num / *@den is their value. */
static int fraction(const char **text, uint64_t *num, uint64_t *den)
{
	const char *s = *text;

	*num = 0;
	*den = 1;
	for (; decimal_digit(*s); s++) {
		if (*den > UINT64_MAX / 100)
			return -ERANGE;
		*num = *num * 10 + (uint64_t)(*s - '0');
		*den *= 10;
	}
	if (s == *text)
		return -EINVAL;
	*text = s;
	return 0;
}

int enbd_parse_size(const char *text, uint64_t *bytes)
{
	uint64_t num = 0, den = 1, value;
	int shift, rc;

	if (text[0] == '0' && (text[1] | 0x20) == 'x') {
		text += 2;
		rc = whole(&text, 16, &value);
		if (!rc && *text)
			rc = -EINVAL;
	} else {
		rc = whole(&text, 10, &value);
		if (!rc && *text == '.') {
			text++;
			rc = fraction(&text, &num, &den);
		}
	}
	if (rc)
		return rc;
	shift = unit_shift(text);
	if (shift < 0)
		return -EINVAL;
	/* Doubling both, whatever the fraction comes to joins the whole. */
	for (; shift; shift--) {
		if (value > INT64_MAX / 2)
			return -ERANGE;
		num *= 2;
		value = 2 * value + num / den;
		num %= den;
	}
	if (num)
		return -EINVAL;
	if (value > INT64_MAX)
		return -ERANGE;
	*bytes = value;
	return 0;
}

int enbd_parse_seconds(const char *text, uint32_t *ms)
{
	uint64_t num = 0, den = 1, value;
	int rc;

	rc = whole(&text, 10, &value);
	if (!rc && *text == '.') {
		text++;
		rc = fraction(&text, &num, &den);
	}
	if (rc)
		return rc;
	if (*text == 's')
		text++;
	if (*text || den > 1000)
		return -EINVAL;
	if (value > UINT32_MAX)
		return -ERANGE;
	value = value * 1000 + num * 1000 / den;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ms = (uint32_t)value;
	return 0;
}

int enbd_parse_u32(const char *text, uint32_t min, uint32_t max,
		   uint32_t *value)
{
	uint64_t v;
	int rc;

	rc = whole(&text, 10, &v);
	if (rc)
		return rc;
	if (*text)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*value = (uint32_t)v;
	return 0;
}

char *enbd_format_size(char *buf, size_t size, uint64_t bytes)
{
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024 && UNITS[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, size, "%llu B", (unsigned long long)bytes);
	else if (value == (double)(uint64_t)value)
		snprintf(buf, size, "%.0f %ciB", value, UNITS[unit] & ~0x20);
	else
		snprintf(buf, size, "%.1f %ciB", value, UNITS[unit] & ~0x20);
	return buf;
}
