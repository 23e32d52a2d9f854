# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by the checks in this folder: TAP output and where things are.
set -u
shopt -s lastpipe
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
cache=${ENBD_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/enbd-vm}
tap_count=0
tap_failed=0
tap_kept=	# where the results are kept, see kept_results

# ok DESCRIPTION < explanation: a passed test when the input is empty, a failed one
# with the input as its diagnostics otherwise
ok() {
	local text
	text=$(cat)
	tap_count=$((tap_count + 1))
	if [ -z "$text" ]; then
		echo "ok $tap_count - $1"
		return
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	printf '%s\n' "$text" | head -n 200 | sed 's/^/# /'
}

# skip DESCRIPTION REASON: one check that cannot be made here
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: nothing here can be checked
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# kept_results INPUT...: for a check that takes long, and has the same results as
# before while neither its program nor INPUT (files, or what a tool says of its
# version) has changed. They are kept where the guests' kernels are; what failed or
# was skipped is not.
kept_results() {
	local key
	key=$({ cat "$0" "${BASH_SOURCE[0]}"; for input; do
		echo "$input"
		[ ! -f "$input" ] || cat "$input"
	done; } | sha256sum)
	tap_kept=$cache/lint/$(basename "$0")-${key%% *}
	if [ -s "$tap_kept" ]; then
		echo "# of $(date -r "$tap_kept" '+%F %T'); nothing that it depends on has changed"
		cat "$tap_kept"
		exit 0
	fi
	mkdir -p "$cache/lint" && find "$cache/lint" -type f -mtime +30 -delete
	exec > >(tee "$tap_kept.$$")
}

# what_builds KDIR: what a module that is built there is made with, for kept_results
what_builds() {
	readlink -f "$1"
	gcc --version
	ld --version
	# A new revision has the same name. The headers' Makefile names a compiler of its own.
	dpkg-query -W 'linux-headers-*' 'linux-kbuild-*' 'gcc-[0-9]*' 2>/dev/null
	(cd "$1" && sha256sum include/generated/autoconf.h Module.symvers)
}

finish() {
	echo "1..$tap_count"
	if [ -n "$tap_kept" ]; then
		exec >&-
		wait
		if [ $tap_failed -eq 0 ] && ! grep -q '# SKIP' "$tap_kept.$$"; then
			mv "$tap_kept.$$" "$tap_kept"
		else
			rm -f "$tap_kept.$$"
		fi
	fi
	exit $((tap_failed > 0))
}

# need COMMAND PACKAGE: without COMMAND the whole check is skipped
need() {
	command -v "$1" >/dev/null || skip_all "$1 is missing: apt install $2"
}

# All files of the project, also new ones that are not ignored; without git, or
# where git does not trust the folder's owner, whatever is here but for builds
all_files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -name build -prune -o -name .git -prune -o -name __pycache__ -prune -o -type f ! -name '*.o' ! -name '.*.cmd' \
			! -name '*.ko' ! -name '*.mod*' ! -name '.checkpatch*' -printf '%P\n'
}

# tracked PATTERN...: those that match; a folder stands for all in it
tracked() {
	local f pattern
	[ $# -gt 0 ] || set -- '*'
	all_files | while read -r f; do
		[ -f "$f" ] || continue
		for pattern in "$@"; do
			# shellcheck disable=SC2053
			if [[ $f == $pattern || $f == "$pattern"/* ]]; then
				echo "$f"
				break
			fi
		done
	done
}
