#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl channel add --path: an address alone stands for the device's own export,
# and another export is refused. The server shows no signature and takes every
# name, so that nobody but enbdctl can tell.

. "$(dirname "$0")/../lib/enbd.sh"

command -v nbdkit >/dev/null || skip_all "nbdkit is not installed"

# added URI ARGUMENTS...: one more channel, which is remembered by that URI.
added()
{
	local uri=$1 place

	shift
	place=$(enbdctl channel add "$@") || return 1
	/usr/bin/python3 -S -E -c '
import json, sys
ways = {c["index"]: c["uri"] for c in json.load(open(sys.argv[1]))["channels"]}
print(ways[int(sys.argv[2])])
sys.exit(ways[int(sys.argv[2])] != sys.argv[3])
' "$ENBD_RUN_DIR/$NAME.json" "$place" "$uri"
}

start_nbdkit memory 4M
need_connect "$URI/data" -n 1
ok "host and port" added "nbd://127.0.0.1:$PORT/data" "$DEV" --path "127.0.0.1:$PORT"
ok "a host, and the device's port" \
	added "nbd://localhost:$PORT/data" "$DEV" --path localhost
ok "a URI" added "$URI/data" "$DEV" --path "$URI/data"
for other in "$URI" "$URI/other"; do
	enbdctl channel add "$DEV" --path "$other" >"$T/out" 2>&1
	is $? 2 "$other is refused"
	like "$(cat "$T/out")" "another export" "as what it is"
done
is "$(chan_values state)" "live live live live" "nothing else was connected"
ok "disconnect" disconnect

done_testing
