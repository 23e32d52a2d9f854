# SPDX-License-Identifier: GPL-2.0
#
# Tests with the reconnect monitor. Source after enbd.sh.

# A child that ends by itself or is killed is no surprise.
kill_monitor()
{
	kill "-${1:-9}" "$MONITOR" 2>/dev/null
	wait "$MONITOR" 2>/dev/null
	kill "$NOTIFIED" 2>/dev/null
	wait "$NOTIFIED" 2>/dev/null
	return 0
}

# all_live N: the device has N live channels.
all_live()
{
	local state n=0

	for state in $(chan_values state); do
		[ "$state" = live ] && n=$((n + 1))
	done
	[ $n -ge "$1" ]
}
