#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Data of large writes are referred to instead of copied only as long as lost
# channels are fenced by the server. When the administrator gives that up on a
# running device, its connections copy from then on. A writer that changes its
# memory while the server sleeps shows which of the two it is.

. "$(dirname "$0")/../lib/enbd.sh"

load_module
param=/sys/module/enbd/parameters/splice_local
echo Y >$param
truncate -s 4M "$T/disk"
start_server "$T/disk"
server=$PID
need_connect "$URI" -n 1 --keepalive 0

# Writes 64 KiB of "A"; when they have been sent, makes them "B" in its memory.
cat >"$T/change.py" <<'END'
import mmap
import os
import sys
import threading
import time

dev, counter = sys.argv[1:]
size = 65536
buf = mmap.mmap(-1, size)
buf[:] = b'A' * size


def sent():
    with open(counter, encoding='ascii') as f:
        return int(f.read())


before = sent()
fd = os.open(dev, os.O_WRONLY | os.O_DIRECT)
writer = threading.Thread(target=os.pwrite, args=(fd, buf, 0))
writer.start()
while sent() == before:
    time.sleep(0.01)
buf[:] = b'B' * size
print('changed', flush=True)
writer.join()
END

# what_comes CHANNEL: what the server gets on it, A or B.
what_comes()
{
	freeze "$server"
	spawn change /usr/bin/python3 -S -E "$T/change.py" "$DEV" \
		"/sys/block/$NAME/channel$1/dispatched"
	wait_for 20 grep -q changed "$T/change.log"
	kill -CONT "$server"
	ends 20 "$PID"
	tr -d '\0' <"$T/disk" | head -c 65536 | fold -w 1 | sort -u | xargs
}

is "$(cat "/sys/block/$NAME/enbd/fencing")" fenced "lost channels are fenced"
is "$(what_comes 0)" B "the socket refers to the writer's memory"
ok "without fences" enbdctl set "$DEV" --replay compat
is "$(cat "/sys/block/$NAME/enbd/fencing")" unfenced "they are not"
is "$(what_comes 0)" A "it has a copy"
ok "with fences again" enbdctl set "$DEV" --replay auto
is "$(what_comes 0)" A "a connection that copies goes on copying"
ok "a new one" enbdctl channel add "$DEV"
ok "instead of it" enbdctl channel del "$DEV" 0
is "$(what_comes 1)" B "does not"
ok "disconnect" disconnect
echo N >$param

done_testing
