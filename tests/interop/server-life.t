#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# How the server starts, what it refuses to start with, and how it ends.
. "$(dirname "$0")/../lib/server.sh"
needs nbdinfo

truncate -s 1M "$T/disk" "$T/other"
mkdir "$T/dir"

# refused STATUS ERE NAME ARGS...: one line on stderr, and this exit status
refused()
{
	local want=$1 ere=$2 name=$3 got lines

	shift 3
	timeout 20 enbd-server "$@" </dev/null >"$T/out" 2>"$T/err"
	got=$?
	lines=$(wc -l <"$T/err")
	if [ $got = "$want" ] && [ "$lines" = 1 ] &&
		grep -qE "^enbd-server: .*$ere" "$T/err"; then
		pass "refused: $name"
	else
		fail "refused: $name"
		diag "status $got, wanted $want and /$ere/ in:" "$(cat "$T/err")"
	fi
}

refused 2 "no port and no file" "nothing to do"
refused 2 "nothing to serve" "no file" 0
refused 2 "unrecognized option '--foo'" "an unknown option" 0 "$T/disk" --foo
refused 2 "option '--name' requires an argument" "an option without its value" --name
refused 2 "99999: not a port" "a port that is none" 99999 "$T/disk"
refused 2 "no address" "no port and no Unix socket" - "$T/disk"
refused 1 "nonexistent: cannot open: No such file" "a file that is not there" 0 "$T/nonexistent"
refused 2 "dir: neither a file" "a folder" 0 "$T/dir" -r
refused 2 "/dev/null: neither a file" "a device of another kind" 0 /dev/null
: >"$T/empty"
refused 2 "empty: nothing to serve, its size is 0" "an empty file" 0 "$T/empty"
refused 2 "1000: not a size of stripes" "a stripe that is none" 0 "$T/disk" --stripe 1000
refused 2 "threads: not a number" "no threads" 0 "$T/disk" --threads 0
refused 2 "cannot open" "a configuration that is not there" -c "$T/nothing"
printf '[server]\nport = 0\n[export x]\nfiel = %s\n' "$T/disk" >"$T/conf"
refused 2 "conf:4: fiel: unknown key" "a configuration with a mistake" -c "$T/conf"
refused 2 "conf: files and options" "a configuration and a file" -c "$T/conf" 0 "$T/disk"
refused 3 "192.0.2.1 port 0: cannot listen" "an address of another machine" 0 "$T/disk" -b 192.0.2.1
refused 2 "too long for a Unix socket" "a long path" - "$T/disk" \
	--unix "$T/$(printf 'x%.0s' {1..120})"
refused 1 "cannot write" "a pid file that cannot be" 0 "$T/disk" --pidfile "$T/nothing/pid"
ok "--help" enbd-server --help
ok "--version" enbd-server --version

# in the background
ok "it starts in the background" enbd-server 0 "$T/disk" -i "very secret" --pidfile "$T/pid" \
	--port-file "$T/port"
PID=$(cat "$T/pid")
SERVERS+=("$PID")
PORT=$(cat "$T/port")
is "$(nbdinfo --size "nbd://127.0.0.1:$PORT")" 1048576 "and answers when the command returns"
unlike "$(tr '\0' ' ' <"/proc/$PID/cmdline")" "secret" "the secret is not in its command line"
is "$(readlink "/proc/$PID/cwd")" / "it holds no folder"
refused 6 "disk: in use by enbd-server \(process $PID\)" "a file that is served" 0 "$T/disk"
refused 6 "disk: in use by" "the same, read-only" 0 "$T/disk" -r
refused 3 "port $PORT: cannot listen: Address already in use" "a port that is taken" \
	"$PORT" "$T/other"
ok "still one server" nbdinfo --size "nbd://127.0.0.1:$PORT"
kill -HUP "$PID"
ok "it survives SIGHUP" nbdinfo --size "nbd://127.0.0.1:$PORT"
kill -TERM "$PID"
ok "it ends" eventually 20 gone "$PID"
nok "and removes its pid file" test -e "$T/pid"
nok "and its port file" test -e "$T/port"

# Unix socket only
ok "only a Unix socket" enbd-server - "$T/disk" -r --unix "$T/socket" --pidfile "$T/pid"
PID=$(cat "$T/pid")
SERVERS+=("$PID")
is "$(nbdinfo --size "nbd+unix:///?socket=$T/socket")" 1048576 "answers"
refused 6 "socket: cannot listen" "a socket that is taken" - "$T/other" --unix "$T/socket"
ok "two read-only servers of a file" enbd-server - "$T/disk" -r --unix "$T/socket2" \
	--pidfile "$T/pid2"
kill -KILL "$PID"
ok "killed" eventually 20 gone "$PID"
ok "its socket is no obstacle" enbd-server - "$T/other" --unix "$T/socket" --pidfile "$T/pid"
SERVERS+=("$(cat "$T/pid")" "$(cat "$T/pid2")")
is "$(nbdinfo --size "nbd+unix:///?socket=$T/socket")" 1048576 "answers"

# Clients
truncate -s 1M "$T/third"
serve 0 "$T/third" --max-connections 2
exec {one}<>"/dev/tcp/127.0.0.1/$PORT" {two}<>"/dev/tcp/127.0.0.1/$PORT"
read -rN 8 -t 10 -u $two greeting
is "$greeting" NBDMAGIC "the second client of two"
nok "the third is refused" nbdinfo --size "$URI"
exec {one}>&- {two}>&-
ok "until one leaves" eventually 10 nbdinfo --size "$URI"
exec {one}<>"/dev/tcp/127.0.0.1/$PORT"
ended "a client that has not said a word does not keep it from ending"
exec {one}>&-

done_testing
