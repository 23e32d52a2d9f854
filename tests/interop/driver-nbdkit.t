#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver against nbdkit: its memory and file plugins, alone and behind the
# filters that make a server slow, narrow, faulty or old-fashioned.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/interop.sh"

command -v nbdkit >/dev/null || skip_all "no nbdkit"

start_nbdkit memory 24M
exercise "memory" 4

truncate -s 24M "$T/disk"
start_nbdkit file "$T/disk"
exercise "file" 4

start_nbdkit --no-sr memory 24M
need_connect "$URI"
is "$(field 'ch[0]["reply_format"]')" simple "--no-sr: simple replies"
ok "--no-sr: disconnect" disconnect
exercise "--no-sr" 2

start_nbdkit --filter=delay memory 24M rdelay=2ms wdelay=3ms
exercise "delay" 4

start_nbdkit --filter=rate memory 24M rate=400M
exercise "rate" 2

start_nbdkit --filter=blocksize-policy memory 24M blocksize-minimum=4096 \
	blocksize-preferred=64k blocksize-maximum=128k \
	blocksize-error-policy=error
exercise "blocksize-policy" 2

# One request in a thousand fails, and only that request.
start_nbdkit --filter=error memory 8M error=EIO error-rate=2%
if connect "$URI" -n 2; then
	within 40 fio --name=e --filename="$DEV" --direct=1 --rw=randrw --bs=4k \
		--size=2M --ioengine=libaio --iodepth=8 --continue_on_error=all \
		--output-format=terse >"$T/fio.out" 2>&1
	is "$(field '[c["state"] for c in ch]')" "['live', 'live']" \
		"error: both channels survive errors"
	num "$(field 'sum(c["errored"] for c in ch)')" -gt 0 "error: counted"
	ok "error: disconnect" wait_for 5 disconnect
else
	fail "error: connect"
	diag "$(cat "$T/connect.err")"
fi

done_testing
