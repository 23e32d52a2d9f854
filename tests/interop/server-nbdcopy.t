#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Whole disks in and out with nbdcopy, over one and over many connections, and
# over each layout.
. "$(dirname "$0")/../lib/server.sh"
needs nbdcopy cmp

head -c $((30000000 / LOAD + 3)) /dev/urandom >"$T/source"
size=$(stat -c %s "$T/source")

# both_ways NAME URI [OPTIONS]: what is copied in comes out the same.
both_ways()
{
	local name=$1 uri=$2

	shift 2
	ok "$name: in" nbdcopy --flush "$@" "$T/source" "$uri"
	rm -f "$T/copy"
	ok "$name: out" nbdcopy "$@" "$uri" "$T/copy"
	ok "$name: the same" cmp -n "$size" "$T/source" "$T/copy"
}

truncate -s "$size" "$T/disk"
serve 0 "$T/disk" --unix "$T/socket"
both_ways "one connection" "$URI" -C 1
ok "the file has it" cmp "$T/source" "$T/disk"
both_ways "four connections" "$URI" -C 4 -T 4
both_ways "small requests" "$URI" --request-size=4096 -R 64
both_ways "large requests" "$URI" --request-size=33554432 -R 2
both_ways "unix socket" "nbd+unix:///?socket=$T/socket" -C 4 -T 4
both_ways "synchronous" "$URI" --synchronous
ended "it ends on SIGTERM"

part=$((size * 2 / 5))
truncate -s $part "$T/m1" "$T/m2" "$T/m3"
serve 0 "$T/m1" "$T/m2" "$T/m3"
both_ways "linear" "$URI" -C 4 -T 4
ok "the first member has the beginning" cmp -n $part "$T/source" "$T/m1"
ended "it ends on SIGTERM"

serve 0 "$T/m1" "$T/m2" "$T/m3" --stripe 64k
both_ways "stripe" "$URI" -C 4 -T 4
ok "the second member has the second stripe" \
	cmp -n 65536 <(tail -c +65537 "$T/source") "$T/m2"
first=$URI
first_pid=$PID
truncate -s $((size * 3 / 2)) "$T/other"
serve 0 "$T/other"
ok "from server to server" nbdcopy "$first" "$URI"
ok "the same" cmp -n "$size" "$T/source" "$T/other"
ended "it ends on SIGTERM"
ended "so does the other" "$first_pid"

done_testing
