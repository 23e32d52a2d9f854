#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl resize asks the device's own server, on any of the ways to it.

. "$(dirname "$0")/../lib/enbd.sh"

# The first way is cut off.
truncate -s 16M "$T/file"
start_nbdkit file "$T/file"
direct=$URI
start_proxy "$PORT"
need_connect "$URI" "$direct" -n 2
ok "the first way is cut off" proxy refuse
truncate -s 32M "$T/file"
ok "resize" within 20 enbdctl resize "$DEV"
is "$(dev_bytes)" $((32 << 20)) "grown, by what the second way has told"
ok "disconnect" disconnect

# The address leads to another server by now.
truncate -s 16M "$T/disk"
truncate -s 64M "$T/other"
start_server -o "-i secret" "$T/disk"
port=$PORT server=$PID
need_connect "$URI" -n 1
stop_server "$server"
ok "the device waits" wait_for 10 dev_is "$NAME" parked
start_again "$port" -i public "$T/other"
server=$PID
status 5 "another server by that address is not believed" within 20 enbdctl resize "$DEV"
is "$(dev_bytes)" $((16 << 20)) "the size is as it was"
stop_server "$server"
start_nbdkit -p "$port" memory 64M
status 5 "nor one that shows no signature" within 20 enbdctl resize "$DEV"
is "$(dev_bytes)" $((16 << 20)) "the size is as it was"
stop_server "$PID"
start_again "$port" -i secret "$T/disk"
ok "its own is" within 20 enbdctl resize "$DEV" 8M
is "$(dev_bytes)" $((8 << 20)) "the size is what was asked for"
rm "$ENBD_RUN_DIR/$NAME"-*.env
status 5 "nobody is, once it is not known whom it belongs to" within 20 enbdctl resize "$DEV"
like "$(cat "$TAP_OUT")" "/dev/$NAME: .*not in .*; disconnect, and connect again" "it says so"
is "$(dev_bytes)" $((8 << 20)) "the size is as it was"
ok "disconnect" disconnect

done_testing
