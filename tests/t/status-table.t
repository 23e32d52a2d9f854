#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The table of enbdctl status, by which the original's users know a device: its
# state, what waits, its sizes, and of each channel its state and how many
# requests it was asked for, has sent, got errors for and still owes.

. "$(dirname "$0")/../lib/enbd.sh"

# show: takes the table
show()
{
	enbdctl status "$DEV" >"$T/table" 2>&1 || die "enbdctl status" "$(cat "$T/table")"
}

# line KEY: what stands behind it
line()
{
	sed -n "s/^\[[a-z]*\] $1: *//p" "$T/table"
}

# column NAME: of all channels; the columns before the addresses have no blanks,
# but for "Read" and "Written"
column()
{
	awk -v name="$1" '
	/\] Channel State/ {
		for (i = 1; i <= NF; i++)
			if ($i == name)
				at = i
		next
	}
	at { print $at }' "$T/table" | xargs
}

sum()
{
	local words

	read -ra words <<<"$(column "$1")"
	echo $((0${words[*]/#/+}))
}

# agrees: the device's sums are those of its channels
agrees()
{
	local name

	for name in Requested Dispatched Errored Pending; do
		[ "$(line $name)" = "$(sum $name)" ] || {
			echo "$name: $(line $name) is not $(sum $name)"
			return 1
		}
	done
}

truncate -s 24M "$T/disk"
start_server -o "--name data" "$T/disk"
start_proxy "$PORT"
need_connect "$URI/data" -n 2 --hw-queues 1 --queue-depth 32 --dead-timeout 60 \
	--io-timeout 7 --keepalive 2.5
show
is "$(head -n 1 "$T/table")" "Device a: /dev/nda" "the device"
like "$(line State)" '^up, rw, open 0 times, channel lost after 7 s, I/O fails after 60 s, silence after 2.5 s$' \
	"its state and its time limits"
is "$(line Server)" "$URI/data" "its server"
is "$(line Export)" '"data"' "its export"
is "$(line Queued)" "0 parked (1 queues of 32)" "nothing waits"
is "$(line Replay)" "fenced, policy auto, 0 writes held" "what becomes of a lost channel's writes"
like "$(line Features)" 'fence keepalive resize verifier' "what the server can"
is "$(line Unflushed)" "0 (regions of 64 KiB)" "what is not flushed"
is "$(line Buffersize)" "$(($(cat /sys/block/nda/queue/max_hw_sectors_kb) * 1024)) ($(($(
	cat /sys/block/nda/queue/max_hw_sectors_kb) * 2)) sectors)" "the largest request"
like "$(line Blocksize)" '^[0-9]+ \(preferred [0-9]+, largest [0-9.]+ .iB\)$' "the sizes of blocks"
is "$(line Size)" "$((24 << 20)) (24 MiB)" "its size"
is "$(line Blocks)" 49152 "in sectors"
is "$(line Sockets)" "2 (+) (+)" "the channels at a glance"
is "$(column Channel)" "0 1" "the channels"
is "$(column State)" "live live" "are live"
like "$(grep -c "127\.0\.0\.1:$PORT from 127\.0\.0\.1:$(chan_port 1)" "$T/table")" 1 "between two addresses"

had=$(line Requested)
ok "16 writes" dd if=/dev/zero of="$DEV" bs=64k count=16 oflag=direct
ok "8 reads" dd if="$DEV" of=/dev/null bs=64k count=8 iflag=direct
exec 8<"$DEV"
show
exec 8<&-
num "$(line Requested)" -ge $((had + 24)) "Requested counts them"
is "$(line Dispatched)" "$(line Requested)" "all were sent"
is "$(line Errored) $(line Pending)" "0 0" "none failed, none waits"
like "$(line State)" 'open 1 times' "somebody has it open"
is "$(line Unflushed)" "$((1 << 20)) (regions of 64 KiB)" "1 MiB was not flushed"
ok "the sums are those of the channels" agrees

ok "cut channel 1" proxy cut "$(chan_port 1)"
ok "it is lost" wait_for 10 chan_is nda 1 lost
show
is "$(line Sockets)" "2 (+) (-)" "a lost channel at a glance"
is "$(column State)" "live lost" "is lost"
like "$(grep '1 lost' "$T/table")" '\((connection|Connection|reset|closed).*\)' "the row says why"
ok "the server is out of reach" proxy refuse
ok "cut the other" proxy cut "$(chan_port 0)"
ok "parked" wait_for 10 dev_is nda parked
spawn reader dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
waits()
{
	[ "$(cat /sys/block/nda/enbd/parked)" = 1 ]
}
ok "a read waits for a channel" wait_for 10 waits
show
like "$(line State)" '^parked, ' "the state"
is "$(line Queued)" "1 parked (1 queues of 32)" "Queued counts it"
is "$(line Sockets)" "2 (-) (-)" "no channel"
ok "force" within 10 enbdctl disconnect --force nda

# A server that promises nothing about several connections
start_nbdkit --filter=multi-conn memory 4M multi-conn-mode=disable
need_connect "$URI" -n 2 -r
show
is "$(line Sockets)" "2 (+) (*)" "a channel that stands by at a glance"
is "$(column State)" "live standby" "stands by"
like "$(line State)" '^up, ro, ' "cannot be written to"
is "$(line Features)" none "a server without the extension"
like "$(line Replay)" '^(unfenced|fenced by close), ' "cannot fence"
ok "disconnect" disconnect

# One error, and one request that is never answered
start_hostile simple-error silence
need_connect "$URI"
nok "a read fails" dd if="$DEV" of=/dev/null bs=4k skip=256 count=1 iflag=direct
show
is "$(line Errored)" 1 "Errored counts it"
ok "so does its channel" agrees
ok "disconnect" disconnect
hostile silence
need_connect "$URI" --io-timeout 0
spawn reader dd if="$DEV" of=/dev/null bs=4k skip=256 count=1 iflag=direct
owes()
{
	[ "$(chan_sum pending)" = 1 ]
}
ok "a read is not answered" wait_for 10 owes
show
is "$(line Pending)" 1 "Pending counts it"
ok "so does its channel" agrees
like "$(line State)" 'channel lost never' "and no channel is lost for it"
ok "force" within 10 enbdctl disconnect --force "$DEV"

done_testing
