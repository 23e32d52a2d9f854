#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's coding style, by the kernel's own checker.
. "$(dirname "$0")/lint.sh"
need perl perl

# Headers packages do not have it; a source package, or the source that the
# guests' kernels are built from, does. CHECKPATCH names another.
find_checkpatch() {
	local f tar
	for f in "${CHECKPATCH:-}" /usr/src/linux-*/scripts/checkpatch.pl \
		"$cache"/kernels/source-*/scripts/checkpatch.pl; do
		[ -f "$f" ] && echo "$f" && return
	done
	for tar in /usr/src/linux-source-*.tar.xz; do
		[ -f "$tar" ] || continue
		mkdir -p build/lint/checkpatch
		tar -xJf "$tar" -C build/lint/checkpatch --strip-components=2 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
			'*/scripts/const_structs.checkpatch' &&
			echo build/lint/checkpatch/checkpatch.pl && return
	done
	return 1
}
checkpatch=$(find_checkpatch) ||
	skip_all "no checkpatch.pl: apt install linux-source, or prepare the kernel uml (tests/vm/run --prepare)"

readarray -t sources < <(tracked 'drivers/*.[ch]' 'include/*.h' 'tools/*.[ch]')
lists=${checkpatch%/*}
kept_results "$checkpatch" "$lists/spelling.txt" "$lists/const_structs.checkpatch" "${sources[@]}"

# check IGNORED-TYPES FILE...
check() {
	local ignore=$1
	shift
	[ $# -eq 0 ] || perl "$checkpatch" --no-tree --strict --terse --no-summary \
		--show-types --max-line-length=100 --ignore "$ignore" -f "$@" 2>&1 |
		grep -v '^total:'
}

# Everywhere: a message is not cut to fit the line, and kzalloc_obj() is of 7.x
common=LONG_LINE_STRING,ALLOC_WITH_SIZEOF,KMALLOC_OBJ

readarray -t driver < <(tracked 'drivers/*.[ch]' | grep -vE 'trace\.h|compat')
check $common "${driver[@]}" | ok "driver: --strict"

# Macros that stand for a function or an #include
readarray -t compat < <(tracked 'drivers/*compat*.[ch]')
check $common,MACRO_WITH_FLOW_CONTROL,SPACING "${compat[@]}" | ok "compat: --strict"

# TRACE_EVENT() is written the same way in the whole kernel
readarray -t trace < <(tracked 'drivers/*trace.h')
check $common,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING "${trace[@]}" | ok "tracepoints: --strict"

# Kernel macros that a header for userspace cannot use
readarray -t uapi < <(tracked 'include/*.h')
check $common,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO "${uapi[@]}" | ok "uapi headers: --strict"

# What is right in the kernel and does not exist, or means nothing, outside
readarray -t tools < <(tracked 'tools/*.[ch]')
check $common,ARRAY_SIZE,AVOID_EXTERNS,BIT_MACRO,CAMELCASE,CONSIDER_KSTRTO,EMBEDDED_FUNCTION_NAME,\
ENOSYS,MACRO_ARG_REUSE,MINMAX,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_FALLTHROUGH,SPLIT_STRING,\
SSCANF_TO_KSTRTO,STRCPY,STRLCPY,STRNCPY,UNCOMMENTED_DEFINITION,USE_NEGATIVE_ERRNO,VOLATILE \
	"${tools[@]}" | ok "tools: --strict"
finish
