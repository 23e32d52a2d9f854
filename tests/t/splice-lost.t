#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A channel is lost while its socket, and the other end's, refer to the pages of
# writes instead of having copied them. The writes are done over another channel,
# the application uses its memory for something else, and only then does the
# other end read what had come over the lost one. A server that fences throws it
# away; for one that cannot, nothing was referred to. Either way, what was never
# written does not come to the disk.
#
#          .-- channel 0 -- proxy, stopped: its receive queue refers to our pages
#     nda -+                                              |
#          '-- channel 1 -- proxy --------------------- server

. "$(dirname "$0")/../lib/enbd.sh"

count=8 size=$((32 << 10))
cat >"$T/writer.py" <<'END'
import mmap, os, sys, threading
count, size = int(sys.argv[2]), int(sys.argv[3])
disk = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)
buffers = [mmap.mmap(-1, size) for _ in range(count)]
for i, b in enumerate(buffers):
    b[:] = bytes([i + 1]) * size
def write(i):
    os.pwrite(disk, buffers[i], i * size)
    buffers[i][:] = b"\xee" * size
threads = [threading.Thread(target=write, args=(i,)) for i in range(count)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("done", flush=True)
threading.Event().wait()
END
/usr/bin/python3 -S -E -c 'import sys
for i in range(int(sys.argv[1])):
    sys.stdout.buffer.write(bytes([i + 1]) * int(sys.argv[2]))' $count $size >"$T/want"

under_way()
{
	[ "$(chan_sum pending)" = $count ]
}

# Bytes that the sockets of a port of ours hold for the other end
sendq()
{
	ss -Htan "sport = :$1" | awk '{ n += $3 } END { print n + 0 }'
}

holds()
{
	[ "$(sendq "$1")" -gt 0 ]
}

written()
{
	grep -q "done" "$T/writer.log"
}

# through: the stopped proxy has given all it had to the server
through()
{
	[ "$(PROXY_CTL=$ctl proxy list)" = ok ]
}

# late_reader WHAT: the server is at $PORT.
late_reader()
{
	local what=$1 to=$PORT stopped ctl uri port

	start_proxy "$to"
	stopped=$PID ctl=$PROXY_CTL uri=$URI
	start_proxy "$to"
	need_connect "$uri" -n 1 --io-timeout $((2 * SLOW))
	port=$(chan_port 0)
	freeze "$stopped"
	: >"$T/writer.log"
	spawn writer /usr/bin/python3 -S -E "$T/writer.py" "$DEV" $count $size
	ok "$what: writes are under way" wait_for 10 under_way
	ok "$what: some are in the socket" wait_for 5 holds "$port"
	ok "$what: another channel" enbdctl channel add "$DEV" --path "$URI"
	ok "$what: the first is lost" wait_for 20 chan_is "$NAME" 0 lost
	ok "$what: the writes are done over the other" wait_for 20 written
	is "$(sendq "$port")" 0 "$what: the first one's socket holds nothing any more"
	kill -CONT "$stopped"
	ok "$what: the other end reads what it had got" wait_for 10 through
	kill "$PID" 2>/dev/null
	ok "$what: disconnect" wait_for 5 enbdctl disconnect "$DEV"
	ok "$what: the disk has what was written" cmp -n $((count * size)) "$T/want" "$T/disk"
}

echo Y >/sys/module/enbd/parameters/splice_local
truncate -s 4M "$T/disk"
start_server "$T/disk"
late_reader "fenced"
truncate -s 0 "$T/disk"
truncate -s 4M "$T/disk"
start_nbdkit file "$T/disk"
late_reader "not fenced"

done_testing
