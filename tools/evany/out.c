/*-
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Copyright (c) 2026 The evany authors
 */

/*
 * out: text that cannot upset a terminal, and JSON.
 *
 * A file's name may hold any byte but two.  As text, control characters are
 * escaped like in C and everything else is left as it is.  JSON wants UTF-8:
 * what is not becomes a lone surrogate, U+DC00 plus the byte, by which those
 * who decode JSON in other languages get the byte back.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/evany/tool.h"

void
text_name(const char *name)
{
	const unsigned char *p;

	for (p = (const unsigned char *)name; *p != '\0'; p++)
		if (*p == '\\')
			fputs("\\\\", stdout);
		else if (*p == '\n')
			fputs("\\n", stdout);
		else if (*p == '\t')
			fputs("\\t", stdout);
		else if (*p < ' ' || *p == 0x7f)
			printf("\\%03o", *p);
		else
			putchar(*p);
}

/* ---- JSON ---------------------------------------------------------------------- */

static bool json_first = true;

/* How many bytes of UTF-8 are one character here; 0: they are none. */
static size_t
utf8_length(const unsigned char *p)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t i, n;

	if (*p < 0x80)
		return (1);
	n = *p >= 0xf8 ? 0 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 :
	    *p >= 0xc0 ? 2 : 0;
	if (n == 0)
		return (0);
	c = *p & (0xffU >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (0);
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return (0);
	return (n);
}

static void
json_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	putchar('"');
	for (; *p != '\0'; p += n) {
		n = utf8_length(p);
		if (n == 0) {
			printf("\\udc%02x", *p);
			n = 1;
		} else if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if (*p < ' ' || *p == 0x7f)
			printf("\\u%04x", *p);
		else
			fwrite(p, 1, n, stdout);
	}
	putchar('"');
}

static void
json_begin(const char *key)
{
	if (!json_first)
		fputs(", ", stdout);
	json_first = false;
	if (key != NULL) {
		json_text(key);
		fputs(": ", stdout);
	}
}

void
json_open(const char *key, char bracket)
{
	json_begin(key);
	putchar(bracket);
	json_first = true;
}

void
json_close(char bracket)
{
	putchar(bracket);
	json_first = false;
}

void
json_string(const char *key, const char *s)
{
	json_begin(key);
	if (s == NULL)
		fputs("null", stdout);
	else
		json_text(s);
}

void
json_number(const char *key, int64_t n)
{
	json_begin(key);
	printf("%" PRId64, n);
}

void
json_bool(const char *key, bool b)
{
	json_begin(key);
	fputs(b ? "true" : "false", stdout);
}

void
json_seconds(const char *key, int64_t ns)
{
	json_begin(key);
	printf("%" PRId64 ".%09" PRId64, ns / 1000000000, ns % 1000000000);
}

void
json_end(void)
{
	putchar('\n');
	json_first = true;
}
