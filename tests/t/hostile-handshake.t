#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 150
#
# Servers that break the handshake, once in every way of tests/lib/hostile.py:
# enbdctl ends in time with one line that names the server, with the exit code
# of the network (3) or the negotiation (4), and leaves nothing behind.

. "$(dirname "$0")/../lib/enbd.sh"

modes=$("$ENBD_LIB/hostile.py" --list handshake)
start_hostile $modes
for mode in $modes; do
	hostile "$mode"
	begin=$(now_ms)
	( ulimit -v 1000000
	  exec timeout -k 1 $((35 * SLOW)) enbdctl connect "$URI" --handshake-timeout 2 \
		>"$T/out" 2>"$T/err" )
	rc=$?
	ms=$(($(now_ms) - begin))
	case $mode in
	block-*)
		# Nonsense about block sizes may be ignored or refused.
		like "$rc" '^[047]$' "$mode: exit status"
		[ $rc = 0 ] && enbdctl disconnect --all
		[ $rc = 0 ] && echo "enbdctl: nothing to say" >"$T/err"
		;;
	*)
		like "$rc" '^[345]$' "$mode: exit status"
		;;
	esac
	is "$(wc -l <"$T/err")" 1 "$mode: one line: $(head -c 160 "$T/err" |
		tr -d '\n' | tr -c '[:print:]' '?')"
	like "$(cat "$T/err")" '^enbdctl: .*:?' "$mode: by enbdctl"
	num "$ms" -lt $((5000 * SLOW)) "$mode: in time ($ms ms)"
	ok "$mode: nothing is left" no_devices
done

done_testing
