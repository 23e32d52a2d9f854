#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A flush may take a disk much longer than a read or a write into its cache, so
# it has ten times --io-timeout, and its channel lives meanwhile.
#
#     dd -- nda -- channel 0 -- nbdkit (flushes for three seconds)

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit eval get_size='echo 8M' can_write='exit 0' can_flush='exit 0' \
	pread='head -c "$3" /dev/zero' pwrite='cat >/dev/null' flush="sleep 3"
need_connect "$URI" -n 1 --io-timeout 1
begin=$(now_ms)
ok "a write and a flush" within 20 \
	dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct conv=fsync
num $(($(now_ms) - begin)) -ge 3000 "take longer than the timeout"
is "$(chan_state "$NAME" 0)" live "the channel lives"
is "$(chan_sum errored) $(chan_sum retracted)" "0 0" "nothing was taken back"
nok "it was never lost" log_has "$NAME: channel 0 .*lost"
ok "disconnect" disconnect

done_testing
