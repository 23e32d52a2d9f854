# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by those who source this
# What every part of the test machine shares: messages, the cache, locks.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tree=$(cd "$vm_dir/../.." && pwd)
cache=${ENBD_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/enbd-vm}
# Several checkouts share the cache.
tree_key=$(printf '%s' "$tree" | sha256sum | cut -c1-8)
kernels="uml uml-debug 6.1 6.12 7.2"

say() { printf 'vm: %s\n' "$*" >&2; }

# die WHAT [STATUS]
die()
{
	printf 'tests/vm/run: %s\n' "$1" >&2
	exit "${2:-97}"
}

# need PROGRAM PACKAGE: fail with the package's name when a program is missing.
need()
{
	command -v "$1" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ||
		die "$1: not found; install the package $2 (all that is needed: tests/vm/packages)"
}

# with_lock NAME COMMAND...: run COMMAND while no other run holds the lock NAME.
# The lock's descriptor is closed for COMMAND's children that outlive it.
with_lock()
{
	local name=$1 fd
	shift
	mkdir -p "$cache/lock"
	exec {fd}>"$cache/lock/$name"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds '$name'"
		flock "$fd"
	fi
	local status=0
	"$@" || status=$?
	exec {fd}>&-
	return "$status"
}

# step TEXT LOG COMMAND...: a long step. Its output goes to LOG; a line with the
# time says that it lives; the log's end is shown when it fails.
step()
{
	local text=$1 log=$2 started=$SECONDS status=0 beat
	shift 2
	mkdir -p "$(dirname "$log")"
	say "$text ..."
	(
		# Leaves no sleep behind, which would keep the caller's locks.
		trap 'kill "$nap"; exit' TERM
		while :; do
			sleep 30 &
			nap=$!
			wait "$nap"
			say "$text: $((SECONDS - started)) s, $(tail -n 1 "$log" 2>/dev/null | cut -c1-70)"
		done
	) &
	beat=$!
	"$@" >"$log" 2>&1 </dev/null || status=$?
	kill "$beat" 2>/dev/null || :
	wait "$beat" 2>/dev/null || :
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" >&2
		say "$text: failed; the whole log: $log"
		return 1
	fi
	say "$text: done in $((SECONDS - started)) s"
}

# newest_complete GLOB-PREFIX: the newest cached directory that is whole.
newest_complete()
{
	local d newest=
	for d in "$cache/kernels/$1"*; do
		if [ -e "$d/.complete" ] && { [ -z "$newest" ] || [ "$d/.complete" -nt "$newest/.complete" ]; }; then
			newest=$d
		fi
	done
	[ -n "$newest" ] && printf '%s\n' "$newest"
}
