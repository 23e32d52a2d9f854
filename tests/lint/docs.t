#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Man pages and other pages are well formed, and know every option; links lead somewhere.
. "$(dirname "$0")/lint.sh"

if command -v groff >/dev/null; then
	tracked 'Documentation/man/*.[1-9]' | while read -r f; do
		groff -man -Tutf8 -ww -z "$f" 2>&1 | sed "s|^|$f: |"
	done | ok "man pages format without a warning"
fi

if python3 -c 'import docutils' 2>/dev/null; then
	tracked '*.rst' | while read -r f; do
		python3 -m docutils --report=2 "$f" /dev/null 2>&1
	done | ok "pages in reStructuredText are well formed"
fi

# help PROGRAM [VERB]: the options that its help names
help() {
	timeout 10 "$@" --help 2>&1 </dev/null | grep -oE '(^|[ ,[|])--[a-z][a-z-]+' |
		grep -oE '\-\-[a-z-]+' | sort -u
}
for program in enbdctl enbd-server; do
	page=Documentation/man/$program.8
	[ -x build/$program ] && [ -e $page ] || continue
	{
		help build/$program
		if [ $program = enbdctl ]; then
			for verb in connect disconnect status "channel add" "channel del" "channel list" \
				list-exports probe resize set lost-regions accept events monitor up down check-config readd; do
				# shellcheck disable=SC2086
				help build/$program $verb
			done
		fi
	} | sort -u | while read -r option; do
		sed 's/\\-/-/g' $page | grep -qe "$option" || echo "$page does not mention $option"
	done | ok "$page knows every option of --help"
done

# Targets of [text](path) and `text <path>`_, as far as they are files here
tracked '*.md' '*.rst' | while read -r f; do
	grep -oE '\]\([^):#]+\)|<[A-Za-z][A-Za-z0-9_./-]*\.(rst|md|yaml)>`' "$f" |
		sed -E 's/^\]\(//; s/\)$//; s/^<//; s/>`$//' | while read -r target; do
		[ -e "$(dirname "$f")/$target" ] || echo "$f: $target"
	done
done | ok "links inside the tree lead somewhere"
finish
