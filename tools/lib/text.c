// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Length of the UTF-8 sequence at @s, 0 if there is none. Overlong forms,
 * surrogates and what lies above U+10FFFF are none.
 */
static size_t sequence(const uint8_t *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need, i;
	uint32_t c;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if ((s[0] & 0xe0) == 0xc0)
		need = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3;
	else if ((s[0] & 0xf8) == 0xf0)
		need = 4;
	else
		return 0;
	if (len < need)
		return 0;
	c = s[0] & (0xff >> (need + 1));
	for (i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return need;
}

static bool harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0x200e || c == 0x200f || c == 0xfeff;
}

static void copy(char *dst, size_t size, const uint8_t *src, size_t len,
		 bool terminal)
{
	size_t in = 0, out = 0, step;
	uint32_t code = 0;

	while (in < len) {
		step = sequence(src + in, len - in, &code);
		if (!step || (terminal && harmful(code))) {
			if (out + 1 >= size)
				break;
			dst[out++] = '?';
			in += step ? step : 1;
			continue;
		}
		if (!code || out + step >= size)
			break;
		memcpy(dst + out, src + in, step);
		out += step;
		in += step;
	}
	dst[out] = '\0';
}

void enbd_text_clean(char *dst, size_t size, const void *src, size_t len)
{
	copy(dst, size, src, len, true);
}

void enbd_text_utf8(char *dst, size_t size, const void *src, size_t len)
{
	copy(dst, size, src, len, false);
}
