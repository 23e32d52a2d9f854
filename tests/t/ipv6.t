#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nbd://[::1]:port: the address family changes nothing else.

. "$(dirname "$0")/../lib/enbd.sh"

grep -q . /proc/net/if_inet6 || skip_all "no IPv6 here"

truncate -s 8M "$T/disk"
spawn enbd-server enbd-server 0 "$T/disk" --bind ::1 -f --port-file "$T/port"
await_server enbd-server "$T/port"
uri="nbd://[::1]:$(cat "$T/port")"

need_connect "$uri" -n 2
is "$(field 'dev["uri"]')" "$uri" "status shows the URI"
is "$(field 'ch[0]["peer"]')" "${uri#nbd://}" "and the peer in brackets"
like "$(field 'ch[0]["local"]')" '^\[::1\]:[0-9]+$' "and this end"
ok "I/O" within 40 fio --name=v --filename="$DEV" --direct=1 --rw=randwrite \
	--bs=4k --ioengine=libaio --iodepth=32 --verify=crc32c \
	--size=$(scale 8)M --aux-path="$T"
ok "a further channel" enbdctl channel add "$DEV"
is "$(field 'len(ch)')" 3 "is there"
ok "disconnect" disconnect

done_testing
