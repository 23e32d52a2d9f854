#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The block layer loses answers (fail_io_timeout, which the driver asks before
# it completes a request): the I/O timeout finds each of them, the channel is
# replaced, and the load sees neither error nor wrong data. Needs a kernel with
# fault injection.

. "$(dirname "$0")/../lib/enbd.sh"

fail=/sys/kernel/debug/fail_io_timeout
[ -d $fail ] || skip_all "no fail_io_timeout in this kernel"

truncate -s 8M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 3 --io-timeout 1

spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--ioengine=libaio --iodepth=8 --verify=crc32c --aux-path="$T" \
	--rate_iops=100 --size=4M
fio=$PID

lose_one()
{
	echo 100 >$fail/probability
	echo 1 >$fail/interval
	echo 1 >$fail/times
	echo 0 >$fail/verbose
	echo 1 >/sys/block/nda/io-timeout-fail
	wait_for 10 taken && echo 0 >/sys/block/nda/io-timeout-fail
}

taken()
{
	[ "$(cat $fail/times)" = 0 ]
}

lost()
{
	field 'sum(c["state"] == "lost" for c in ch)'
}

# A guest that is slow may lose another one for a timeout of its own.
more_lost()
{
	[ "$(lost)" -gt "$before" ]
}

running()
{
	[ "$(field 'sum(c["requested"] for c in ch)')" -gt 100 ]
}

ok "the load runs" wait_for 10 running
before=$(lost)
ok "an answer gets lost" lose_one
ok "a channel is lost for it" wait_for 5 more_lost
ok "a new one" enbdctl channel add "$DEV"
before=$(lost)
ok "another answer gets lost" lose_one
ok "a channel is lost for it" wait_for 5 more_lost
ends 40 "$fio"
is $? 0 "no error, every checksum is right"
ok "disconnect" disconnect

done_testing
