#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A leg of an array is away for longer than its dead-timeout. Nobody does
# anything: when the server is back, so is the leg, and what is copied is what was
# written meanwhile. For each level that has something to copy from.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote

for level in $MD_LEVELS; do
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" -n 2 --dead-timeout 0.25
	md_create "$level"
	is "$(mismatches)" 0 "raid$level: whole"
	ok "raid$level: no chunk is dirty" wait_for 60 md_settled

	serve_end -KILL
	ok "raid$level: the device is given up" wait_for 20 dev_is "$NAME" failed
	ok "raid$level: 64 writes" scatter 64
	ok "raid$level: the leg is out" wait_for 10 member_is faulty
	bits=$(dirty "${LEGS[0]}")
	[ "${bits:-0}" -ge 32 ] && [ "$bits" -le 64 ] ||
		fail "raid$level: $bits chunks are dirty"
	before=$(leg_written)

	serve "$image"
	wait_for 20 dev_is "$NAME" up
	up=$(now_ms)
	ok "raid$level: the leg is in the array again" wait_for 20 member_back
	took=$(($(now_ms) - up))
	ok "raid$level: within two seconds ($took ms)" test "$took" -le $((2000 * SLOW))
	ok "raid$level: in sync again" wait_for 60 md_whole
	copied=$(($(leg_written) - before))
	limit=$((bits * BITMAP_CHUNK / 1024 + 256))
	ok "raid$level: $copied KiB copied for $bits chunks" test "$copied" -le "$limit"
	is "$(mismatches)" 0 "raid$level: no difference"
	[ "$TAP_FAILED" -eq 0 ] || diag "$(kernel_log | tail -n 30)"

	md_stop
	ok "raid$level: disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
done
md_done
