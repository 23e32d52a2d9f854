#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
#
# The server goes again and again, for random times around the dead-timeout, under
# a load that checks all it reads; once more while the leg is still being
# copied. Nobody helps, and the legs are the same after each time.
#
# MD_ROUNDS outages in a row for each of MD_LEVELS; "make torture-md" has 200. In
# seven of eight rounds the monitor is told to hurry; in the others its delays,
# which grow with every connection that did not last, are tested as well.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote
rounds=${MD_ROUNDS:-3}
RANDOM=${MD_SEED:-1}
DEAD=${MD_DEAD_MS:-250}

# pause MS
pause()
{
	read -rt "$(seconds "$1")" -u "$NAP"
}

outages=0
noticed=0
# outage: returns when the server is back
outage()
{
	serve_end -KILL
	pause $((RANDOM % (DEAD * 5 / 2)))
	outages=$((outages + 1))
	! dev_is "$NAME" failed || noticed=$((noticed + 1))
	serve "$image"
	((i % 8 == 0)) || kill -HUP "$MONITOR"
	ok "raid$level, round $i: the device is up again" wait_for 20 dev_is "$NAME" up
}

for level in $MD_LEVELS; do
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" -n 2 --dead-timeout "$(seconds "$DEAD")"
	md_create "$level"
	DEV=$MD start_history --units 3072 --threads 4 --no-trim
	for ((i = 1; i <= rounds; i++)); do
		outage
		if ((RANDOM % 4 == 0)); then
			pause $((RANDOM % 75))
			outage
		fi
		ok "raid$level, round $i: whole" wait_for 60 md_whole
		ok "raid$level, round $i: the leg is in it" member_is in_sync
		freeze "$HISTORY"
		is "$(mismatches)" 0 "raid$level, round $i: no difference"
		kill -CONT "$HISTORY"
		[ "$TAP_FAILED" -eq 0 ] || break 2
	done
	ok "raid$level: every read was right" end_history
	md_stop
	ok "raid$level: disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
done
share=$((noticed * 100 / outages))
ok "$noticed of $outages outages, $share %, were noticed" test "$share" -ge 20
md_done
