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
ext()
{
	timeout 60 /usr/bin/python3 "$SERVER_TREE/tests/lib/extension.py" "$PORT" "$@"
}

# hold N WORD...: a client that stays, as HOLD; it has come so far
hold()
{
	local log=$T/held.$1

	shift
	exec {HOLD}> >(ext "$@" wait >"$log" 2>&1)
	HELD+=("$HOLD")
	eventually 20 grep -q ready "$log"
}

truncate -s 1M "$T/third" "$T/fourth"
serve 0 "$T/third" --max-connections 2
HELD=()
for i in {1..10}; do
	exec {silent}<>"/dev/tcp/127.0.0.1/$PORT"
	HELD+=("$silent")
done
read -rN 8 -t 10 -u "$silent" greeting
is "$greeting" NBDMAGIC "clients that say nothing take no place"
ok "one client" hold 1 hello bind x 0 1 go
ok "and another" hold 2 hello bind x 1 1 go
nok "the third is refused" nbdinfo --size "$URI"
is "$(ext hello bind y 0 1 go | tail -n +2)" "error 2" "and told why"
is "$(ext hello bind x 1 2 go write 0 text flush | tail -n +2)" "" "but not one in the place of a dead one of its own"
is "$(head -c 4 "$T/third")" text "which works"
is "$(ext hello bind x 2 1 fence 0 1 go write 0 TEXT | tail -n +2)" "" "nor one that fences before"
ok "now both places are free" eventually 10 nbdinfo --size "$URI"
for fd in "${HELD[@]}"; do
	exec {fd}>&-
done

serve 0 "$T/fourth" --name other --max-connections 1 --handshake-timeout 60
for i in {1..80}; do
	exec {silent}<>"/dev/tcp/127.0.0.1/$PORT"
	HELD[i]=$silent
done
is "$(nbdinfo --size "$URI")" 1048576 "many that say nothing keep nobody out"
for fd in "${HELD[@]:1:80}"; do
	exec {fd}>&-
done
exec {one}<>"/dev/tcp/127.0.0.1/$PORT"
ended "a client that has not said a word does not keep it from ending"
exec {one}>&-

done_testing
