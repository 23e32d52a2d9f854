#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Every command, every error, and what no client should send: by libnbd and by
# hand, in server-libnbd.py.
. "$(dirname "$0")/../lib/server.sh"
/usr/bin/python3 -c 'import nbd' 2>/dev/null || skip_all "python3-libnbd is not installed"

truncate -s 8M "$T/disk" "$T/only"
cat >"$T/conf" <<END
[server]
port = 0
handshake-timeout = 2
[export disk]
file = $T/disk
[export only]
file = $T/only
read-only = yes
END
serve -c "$T/conf"
subtests /usr/bin/python3 "$(dirname "$0")/server-libnbd.py" 127.0.0.1 "$PORT" "$T/disk" "$PID" \
	"$LOAD"
num "$(wc -l <"$LOG")" -le 100 "not too many messages"
like "$(cat "$LOG")" '127.0.0.1:[0-9]+: .*wrong magic' "they name the peer and the reason"
ended "it ends on SIGTERM"

done_testing
