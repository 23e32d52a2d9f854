#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server without CAN_MULTI_CONN may not be written to over two connections
# at once: one channel is active, the others stand by, and take over when it is
# lost.
#
#     dd -- nda --+-- channel 0 (live) -----.
#                 +-- channel 1 (standby) --+-- proxy -- nbdkit, no multi-conn
#                 '-- channel 2 (standby) --'

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit --filter=multi-conn memory 8M multi-conn-mode=disable
start_proxy "$PORT"
need_connect "$URI" -n 3

states()
{
	field '" ".join(sorted(c["state"] for c in ch))'
}

load()
{
	within 30 fio --name=l --filename="$DEV" --direct=1 --rw=randwrite \
		--bs=4k --size=$(scale 4)M --ioengine=libaio --iodepth=16 \
		--verify=crc32c --aux-path="$T"
}

one_live()
{
	[ "$(states)" = "$1" ]
}

is "$(states)" "live standby standby" "one is live, two stand by"
ok "load" load
is "$(field 'sum(c["requested"] > 0 for c in ch)')" 1 "one channel carried it"
is "$(field '[c["state"] for c in ch if c["requested"]][0]')" live "the live one"

live=$(field '[c["index"] for c in ch if c["state"] == "live"][0]')
ok "cut it" proxy cut "$(chan_port "$live")"
ok "a standby takes over" wait_for 5 one_live "live lost standby"
ok "load" load
live=$(field '[c["index"] for c in ch if c["state"] == "live"][0]')
ok "a new channel" enbdctl channel add "$DEV"
is "$(states)" "live standby standby" "stands by"
is "$(chan_state "$NAME" "$live")" live "the active one stays the same"

spawn fio fio --name=l --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--size=4M --ioengine=libaio --iodepth=16 --verify=crc32c \
	--rate_iops=$(scale 800 100) --aux-path="$T" --number_ios=$(scale 1000)
fio=$PID
before=$(field "sum(c['requested'] for c in ch)")
more()
{
	[ "$(field "sum(c['requested'] for c in ch)")" -gt $((before + 10)) ]
}
ok "a load runs" wait_for 10 more
ok "cut the active one under load" proxy cut "$(chan_port "$live")"
ends 40 "$fio"
is $? 0 "no error, and every checksum is right"
is "$(states)" "live lost standby" "the last but one took over"
ok "disconnect" disconnect

done_testing
