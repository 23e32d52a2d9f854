#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that is back before the dead-timeout: md never notices, whatever is
# written meanwhile, and nothing is copied.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote
truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" -n 2 --dead-timeout 60
md_create 1

for i in 1 2 3; do
	note
	serve_end -KILL
	spawn writes scatter 32
	writer=$PID
	ok "outage $i: requests wait" wait_for 10 dev_is "$NAME" parked
	ok "outage $i: the leg is in sync meanwhile" member_is in_sync
	serve "$image"
	ok "outage $i: the writes end well" ends 30 "$writer"
	ok "outage $i: the leg is in sync" member_is in_sync
	is "$(md_attr degraded)" 0 "outage $i: the array is whole"
	is "$(log_has 'md(/raid1)?:|md0')" "" "outage $i: md has nothing to say"
done
is "$(mismatches)" 0 "no difference"
md_done
