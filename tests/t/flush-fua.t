#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an application asks to be stable reaches the server as a flush or as a
# write with FUA, and where the server knows neither, as what it does know.
# nbdkit's log filter tells what arrived.

. "$(dirname "$0")/../lib/enbd.sh"

log=$T/requests

# arrived COMMAND ERE: how often, since the log was emptied
arrived()
{
	grep -acE "connection=[0-9]+ $1 .*$2" "$log"
}

write_4k()
{
	dd if=/dev/zero of="$DEV" bs=4k count=1 seek=64 conv=notrunc "$@"
}

start_nbdkit --filter=log memory 16M logfile="$log"
need_connect "$URI" -n 2
is "$(cat /sys/block/nda/queue/write_cache)" "write back" "a write cache"
is "$(cat /sys/block/nda/queue/fua)" 1 "with FUA"

: >"$log"
ok "a direct write" write_4k oflag=direct
num "$(arrived Write 'count=0x1000 fua=0')" -eq 1 "arrives as a plain write"
is "$(arrived Flush)$(arrived Write fua=1)" 00 "and no flush with it"

: >"$log"
ok "a direct write with O_DSYNC" write_4k oflag=direct,dsync
num "$(arrived Write 'count=0x1000 fua=1')" -eq 1 "arrives with FUA"

: >"$log"
ok "a buffered write and fsync" write_4k conv=fsync
num "$(arrived Write '')" -ge 1 "arrives as a write"
num "$(arrived Flush '')" -ge 1 "and a flush"
last=$(grep -aoE ' (Write|Flush) id=' "$log" | tail -n 1)
is "$last" " Flush id=" "in this order"

: >"$log"
ok "sync of the device alone" sync "$DEV"
num "$(arrived Flush '')" -ge 1 "arrives as a flush"
ok "disconnect" disconnect

start_nbdkit --filter=log --filter=fua memory 16M logfile="$log"
need_connect "$URI" -n 1
is "$(cat /sys/block/nda/queue/fua)" 0 "a server without FUA"
: >"$log"
ok "a direct write with O_DSYNC" write_4k oflag=direct,dsync
num "$(arrived Flush '')" -ge 1 "arrives with a flush behind it"
ok "disconnect" disconnect

# Flags: HAS_FLAGS only.
start_hostile right --flags 1
need_connect "$URI" -n 1
is "$(cat /sys/block/nda/queue/write_cache)" "write through" \
	"a server without flush has no cache"
ok "a direct write with O_DSYNC needs none" write_4k oflag=direct,dsync
ok "nor does fsync" write_4k conv=fsync
ok "disconnect" disconnect

done_testing
