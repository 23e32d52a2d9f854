# SPDX-License-Identifier: GPL-2.0
#
# Tests with the ghost proxy: bytes of a client that come to the server long
# after the client is gone. Source after enbd.sh; ghost-proxy.c has the commands.

# start_ghost PORT: the proxy in front of it. Sets PORT and GHOST.
start_ghost()
{
	GHOST=$T/ghost.sock
	spawn ghost-proxy ghost-proxy --listen 127.0.0.1:0 \
		--to "127.0.0.1:$1" --control "$GHOST"
	wait_for 10 ghost port || die "ghost-proxy starts" \
		"$(cat "$T/ghost-proxy.log")"
	PORT=$(ghost port)
	PORT=${PORT#ok }
}

# ghost COMMAND...: prints the answer; false unless it is "ok ...".
ghost()
{
	ghost-proxy --control "$GHOST" "$@"
}

# ghost_links STATE: the connections in that state, by their ports.
ghost_links()
{
	local link

	for link in $(ghost list); do
		case $link in
		*:"$1":*) echo "${link%%:*}" ;;
		esac
	done
}

# holding: some connection keeps a write back. Sets HELD to its port.
holding()
{
	local link

	for link in $(ghost list); do
		case $link in
		*:held:0) ;;
		*:held:*) HELD=${link%%:*}; return 0 ;;
		esac
	done
	return 1
}

# catch_write HOW: the next write, HOW "write" or "middle", is held on the one
# connection that it comes over, HELD; the others go on. "$@" writes.
catch_write()
{
	local how=$1 p

	shift
	ghost hold all "$how" >/dev/null || return 1
	spawn first "$@"
	FIRST=$PID
	wait_for 10 holding || return 1
	for p in $(ghost_links armed); do
		ghost release "$p" >/dev/null || return 1
	done
}

# without_link PORT: the connection has come to its end on the server, which has
# done all that came over it.
without_link()
{
	[[ " $(ghost list)" != *" $1:"* ]]
}

# let_go PORT: what was kept back goes to the server; true when that has dealt
# with it. RELEASED is the proxy's answer.
let_go()
{
	RELEASED=$(ghost release "$1") && wait_for 10 without_link "$1"
}
