#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Many clients ask for more than the server may take: each gets what it asked for.
. "$(dirname "$0")/../lib/server.sh"
needs nbdcopy

clients=6
mib=$((16 / LOAD + 1))

# copies FROM TO: by all clients at the same time; # is the number of one
copies()
{
	local i pids=() rc=0

	for ((i = 0; i < clients; i++)); do
		timeout 120 nbdcopy -C 2 -R 32 --request-size=4194304 "${1//#/$i}" "${2//#/$i}" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || rc=1
	done
	return $rc
}

# peak: KiB of memory that the server has had
peak()
{
	sed -n 's/VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$PID/status"
}

{
	echo "[server]"
	echo "port = 0"
	echo "memory = 8M"
	for ((i = 0; i < clients; i++)); do
		head -c "${mib}M" /dev/urandom >"$T/from.$i"
		truncate -s "${mib}M" "$T/disk.$i"
		printf '[export e%s]\nfile = %s\n' "$i" "$T/disk.$i"
	done
} >"$T/conf"
serve -c "$T/conf"
before=$(peak)
ok "all write" copies "$T/from.#" "$URI/e#"
for ((i = 0; i < clients; i++)); do
	ok "what client $i wrote is there" cmp "$T/from.$i" "$T/disk.$i"
done
ok "all read" copies "$URI/e#" "$T/to.#"
for ((i = 0; i < clients; i++)); do
	ok "what client $i has read is that" cmp "$T/from.$i" "$T/to.$i"
done
# What each of the connections has for itself, and stacks, come to that.
took=$(($(peak) - before))
diag "$took KiB"
ok "the memory has a limit" test "$took" -lt $((8192 + clients * 2 * 2048))
ended "the server ends"
done_testing
