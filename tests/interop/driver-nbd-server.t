#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver against nbd-server, the reference implementation: with and without
# flush, FUA and trim, and its multi-file mode's odd sizes.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/interop.sh"

command -v nbd-server >/dev/null || skip_all "no nbd-server"

truncate -s 24M "$T/disk"
# It gives up its privileges for nobody's.
chmod 755 "$T"
chmod 666 "$T/disk"

# serve OPTIONS-OF-THE-EXPORT...
serve()
{
	new_port
	{
		echo "[generic]"
		echo "listenaddr = 127.0.0.1"
		echo "port = $PORT"
		echo "allowlist = true"
		echo "[data]"
		echo "exportname = $T/disk"
		printf '%s\n' "$@"
	} >"$T/nbd.conf"
	rm -f "$T/nbd.pid"
	# It goes into the background by itself once it listens.
	nbd-server -C "$T/nbd.conf" -p "$T/nbd.pid" -M 8 >"$T/nbd-server.log" 2>&1
	wait_for 10 test -s "$T/nbd.pid" ||
		die "nbd-server starts" "$(cat "$T/nbd-server.log")"
	PID=$(cat "$T/nbd.pid")
	PIDS+=("$PID")
	URI=nbd://127.0.0.1:$PORT/data
}

serve "flush = true" "fua = true" "trim = true" "rotational = true"
exercise "flush, fua, trim, rotational" 2

serve "flush = false" "fua = false"
exercise "plain" 1

serve "readonly = true"
need_connect "$URI"
is "$(cat /sys/block/nda/ro)" 1 "readonly"
ok "reads" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect
ok "list-exports names it" sh -c "enbdctl list-exports ${URI%/data} | grep -w data"

done_testing
