#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Signals to the server: TERM, INT and PWR end it in order, HUP makes it look at
# the sizes of what it serves, USR1 and USR2 are the monitor's and do nothing.
. "$(dirname "$0")/../lib/server.sh"
needs nbdinfo
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip_all "python3-libnbd is not installed"

truncate -s 1M "$T/disk"

alive()
{
	[ "$(nbdinfo --size "$URI")" = "$1" ]
}

says()
{
	grep -q "$1" "$LOG"
}

serve 0 "$T/disk" --pidfile "$T/pid"
for signal in USR1 USR2 USR1; do
	kill -$signal "$PID"
	ok "$signal: it serves" alive 1048576
done
truncate -s 3M "$T/disk"
kill -HUP "$PID"
ok "HUP: it says that it looks" eventually 10 says 'SIGHUP: looking at the sizes'
ok "and offers the new size" eventually 10 alive 3145728
kill -HUP "$PID"
ok "HUP: it serves" alive 3145728
is "$(cat "$T/pid")" "$PID" "it is still the same one"
ended "TERM ends it"

# Without its pid file a server has nothing left to do. Many exports take a while.
{
	echo "[server]"
	echo "port = 0"
	for i in {1..300}; do
		truncate -s 1M "$T/many.$i"
		printf '[export many%s]\nfile = %s\n' "$i" "$T/many.$i"
	done
} >"$T/conf"
rm -rf "$T/state"
serve -c "$T/conf" --pidfile "$T/pid"
kill -TERM "$PID"
while [ -e "$T/pid" ]; do
	read -rt 0.001 -u "$NAP"
done
clean=$(grep -l "^state clean" "$T/state"/export-* | wc -l)
is "$clean" 300 "when its pid file has gone all exports are closed"
eventually 30 gone "$PID"
wait "$PID"

# end_with SIGNAL: a client with requests under way gets an answer to each: what the
# server has begun is done, and in the file, what it has not is refused. Then the
# client is told to go and the server ends by itself.
cat >"$T/client.py" <<'END'
import sys
import nbd
h = nbd.NBD()
h.connect_uri(sys.argv[1])
# All of them fit into what the server's kernel takes before it has read any.
data = bytearray(b"end" * 682 + b".")
cookies = [h.aio_pwrite(nbd.Buffer.from_bytearray(data), i << 16) for i in range(16)]


def done(cookie):
    try:
        while not h.aio_command_completed(cookie):
            h.poll(-1)
    except nbd.Error as e:
        if e.errno != "ESHUTDOWN":
            raise
        return False
    return True


count = int(done(cookies.pop(0)))
print("begun", flush=True)
sys.stdin.readline()
count += sum(done(cookie) for cookie in cookies)
print("answered", count, flush=True)
try:
    while not h.aio_is_closed() and not h.aio_is_dead():
        h.pread(512, 0)
except nbd.Error:
    pass
print("told to go", flush=True)
END

end_with()
{
	serve 0 "$T/disk" --pidfile "$T/pid"
	: >"$T/out"
	mkfifo "$T/go"
	/usr/bin/python3 "$T/client.py" "$URI" <"$T/go" >"$T/out" 2>&1 &
	SERVERS+=($!)
	client=$!
	exec {go}>"$T/go"
	ok "$1: a client writes" eventually 10 grep -q begun "$T/out"
	kill -"$1" "$PID"
	echo >&$go
	exec {go}>&-
	rm "$T/go"
	ok "$1: all its requests are answered" eventually 10 grep -q answered "$T/out"
	ok "$1: then it is told to go" eventually 20 grep -q 'told to go' "$T/out"
	wait "$client"
	is $? 0 "$1: and goes"
	ok "$1: the server ends" eventually 20 gone "$PID"
	wait "$PID"
	is $? 0 "$1: with exit status 0"
	nok "$1: without its pid file" test -e "$T/pid"
	count=$(sed -n 's/answered //p' "$T/out")
	num "$count" -ge 1 "$1: writes were done"
	is "$(grep -ao end "$T/disk" | wc -l)" $((count * 682)) "$1: they are in the file, $count of 16"
	truncate -s 0 "$T/disk"
	truncate -s 3M "$T/disk"
}

for signal in TERM INT PWR; do
	end_with $signal
done

done_testing
