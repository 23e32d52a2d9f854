# SPDX-License-Identifier: GPL-2.0
#
# What the tests of enbd-server against other people's clients share. Source it
# first; end the test with done_testing. They need neither the driver
# nor a guest nor root.

SERVER_TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH=$SERVER_TREE/build:$PATH:/usr/sbin:/sbin
export LC_ALL=C

. "$SERVER_TREE/tests/lib/tap.sh"

T=$(mktemp -d /tmp/enbd-server.XXXXXX)
SERVERS=()		# processes to end
PID=			# the server started last
PORT=			# its port
URI=			# its address
LOG=			# its messages

# Reading from a pipe that nobody writes is a nap without a process.
exec {NAP}<> <(:)

cleanup()
{
	local pid

	for pid in "${SERVERS[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	# What those that are killed leave in memory
	find "$T/state" -name 'export-*' -printf '%D %i\n' 2>/dev/null |
		while read -r device inode; do
			rm -f "$(printf '/dev/shm/enbd-server-%x-%x' "$device" "$inode")"
		done
	rm -rf "$T" "$TAP_OUT"
}
trap cleanup EXIT

# needs COMMAND...: without them there is nothing to test.
needs()
{
	local command

	for command in "$@"; do
		command -v "$command" >/dev/null ||
			skip_all "$command is not installed"
	done
}
needs enbd-server

# However a test starts it, it leaves nothing behind on this machine.
mkdir "$T/bin"
printf '#!/bin/sh\nexec %q --state-dir %q "$@"\n' "$(command -v enbd-server)" "$T/state" >"$T/bin/enbd-server"
chmod +x "$T/bin/enbd-server"
PATH=$T/bin:$PATH

# LOAD divides amounts where everything is slow.
case ${ENBD_GUEST:-} in
'' | uml)	LOAD=1 ;;
uml-debug)	LOAD=5 ;;
*)		LOAD=8 ;;
esac

# eventually SECONDS COMMAND...: until it succeeds; false at the deadline.
eventually()
{
	local end=$((SECONDS + $1 + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 -u "$NAP"
	done
	return 0
}

# serve ARGS...: a server in the foreground on any free port of this machine
serve()
{
	local port_file=$T/port.${#SERVERS[@]}

	LOG=$T/log.${#SERVERS[@]}
	enbd-server -f -b 127.0.0.1 --port-file "$port_file" "$@" 2>"$LOG" &
	PID=$!
	SERVERS+=("$PID")
	eventually 10 test -s "$port_file" ||
		die "enbd-server $* listens" "$(cat "$LOG")"
	PORT=$(cat "$port_file")
	URI=nbd://127.0.0.1:$PORT
}

# gone PID: it has ended
gone()
{
	! kill -0 "$1" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = Z ]
}

# ended NAME [PID]: SIGTERM makes the server end by itself with status 0.
ended()
{
	local pid=${2:-$PID}

	kill -TERM "$pid"
	if eventually 30 gone "$pid"; then
		wait "$pid"
		is $? 0 "$1"
	else
		fail "$1"
		diag "still there after 30 s"
	fi
}

done_testing()
{
	echo "1..$TAP_N"
	[ $TAP_FAILED -eq 0 ]
	exit
}
