#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor: a server's address that takes connections and says nothing
# delays no other address of the same device, and no other device.
#
#     nda --+-- channels 0, 2 -- proxy a (swallows) --+
#           '-- channels 1, 3 -- proxy b -------------+-- enbd-server
#     ndb ----- channel 0 ------ proxy b -------------'

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
port=$PORT
start_proxy "$port"
a=$URI a_ctl=$PROXY_CTL
start_proxy "$port"
b=$URI b_ctl=$PROXY_CTL

need_connect "$b" -n 1 /dev/ndb
need_connect "$a" "$b" -n 4 --handshake-timeout 4 /dev/nda
peers()
{
	local p=()

	read -ra p <<<"$(chan_values peer nda)"
	echo "${p[*]##*:}"
}
is "$(peers)" "${a##*:} ${b##*:} ${a##*:} ${b##*:}" \
	"the channels use the addresses in turn"
start_monitor --max-backoff 1

states()
{
	[ "$(chan_values state nda)" = "$1" ]
}
ok "the one address accepts and says nothing" proxy_at "$a_ctl" swallow
ok "and loses its connections" proxy_at "$a_ctl" cut all
ok "its channels are lost" wait_for 5 states "lost live lost live"

# Attempts take 4 s each now.
for i in 1 2 3; do
	begin=$(now_ms)
	ok "the other address loses a channel" proxy_at "$b_ctl" cut "$(NAME=nda chan_port 3)"
	back()
	{
		states "lost live lost live" &&
			[ "$(field 'ch[3]["incarnation"]' nda)" -gt $i ]
	}
	ok "it is back" wait_for 5 back
	num $(($(now_ms) - begin)) -lt $((2000 * SLOW)) "soon"
	begin=$(now_ms)
	ok "another device loses its only one" proxy_at "$b_ctl" cut "$(NAME=ndb chan_port 0)"
	other()
	{
		[ "$(chan_values state ndb)" = live ] &&
			[ "$(field 'ch[0]["incarnation"]' ndb)" -gt $i ]
	}
	ok "it is back" wait_for 5 other
	num $(($(now_ms) - begin)) -lt $((2000 * SLOW)) "soon"
	# What lives too short is not connected again at once.
	read -rt 1.1 -u "$NAP"
done
ok "the one address answers again" proxy_at "$a_ctl" accept
ok "all channels are back" wait_for 15 states "live live live live"
is "$(peers)" "${a##*:} ${b##*:} ${a##*:} ${b##*:}" \
	"each on the address that it had before"
ok "disconnect" disconnect nda
ok "disconnect" disconnect ndb

done_testing
