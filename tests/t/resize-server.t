#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device follows the size of what enbd-server serves: by itself where an idle
# channel is asked, else on request. It does not shrink, and takes no channel to
# an export that has. One of a server that does not promise that follows on
# request only.

. "$(dirname "$0")/../lib/enbd.sh"

[ "${ENBD_TEST_SERVER:-enbd}" = enbd ] || skip_all "for enbd-server only"

# again FILE...: the server, on the port it had before
again()
{
	start_again "$PORT" "$@"
	server=$PID
}

# size MIB: the device has so much
size()
{
	[ "$(dev_bytes)" = $(($1 << 20)) ]
}

add()
{
	enbdctl channel add "$DEV" 2>"$T/err"
}

truncate -s 16M "$T/disk"
start_server "$T/disk"
server=$PID
need_connect "$URI" -n 2 --keepalive 0.4
truncate -s 20M "$T/disk"
ok "the file grows: so does the device" wait_for 10 size 20
ok "the new part takes writes" dd if=/dev/urandom of="$DEV" bs=1M count=1 seek=19 \
	oflag=direct conv=fsync
ok "and they are in the file" cmp -n 1M -i 19M "$DEV" "$T/disk"

ok "smaller by hand" enbdctl resize "$DEV" 8M
ok "a channel to the larger export" add
ok "is no reason to grow" size 8
truncate -s 24M "$T/disk"
ok "a larger one than ever is" wait_for 10 size 24

# Nobody asks. The server looks once in a second at most.
looked()
{
	kill -HUP "$server"
	grep -q 'has grown from .* to 29360128 bytes' "$T/enbd-server.log"
}
ok "no keepalive" enbdctl set "$DEV" --keepalive 0
truncate -s 28M "$T/disk"
ok "SIGHUP has the server look" wait_for 10 looked
ok "the device does not know" size 24
is "$(enbdctl resize "$DEV")" $((28 << 20)) "but can ask"
ok "and is as large then" size 28
ok "keepalive again" enbdctl set "$DEV" --keepalive 0.4

# The server comes back with less
stop_server "$server"
ok "parked" wait_for 10 dev_is "$NAME" parked
truncate -s 10M "$T/disk"
again "$T/disk"
nok "no channel to an export that has shrunk" add
like "$(cat "$T/err")" "the export has shrunk, a device does not follow that" "which says so"
ok "nor has the device" size 28
stop_server "$server"
truncate -s 28M "$T/disk"
again "$T/disk"
ok "its size is given back: a channel" add
ok "up" wait_for 10 dev_is "$NAME" up
ok "disconnect" disconnect
stop_server "$server"

# Stripes
truncate -s 8M "$T/a" "$T/b"
again "$T/a" "$T/b" --stripe 64k
need_connect "$URI" -n 2
stop_server "$server"
ok "parked" wait_for 10 dev_is "$NAME" parked
truncate -s 12M "$T/a" "$T/b"
again "$T/a" "$T/b" --stripe 64k
nok "stripes: no channel of another size" add
like "$(cat "$T/err")" "see enbdctl resize" "and the remedy"
is "$(enbdctl resize "$DEV")" $((24 << 20)) "that is done"
ok "now a channel" add
ok "up" wait_for 10 dev_is "$NAME" up
ok "disconnect" disconnect
stop_server "$server"

done_testing
