#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Sockets that systemd passes, and the word that it waits for.
. "$(dirname "$0")/../lib/server.sh"
needs nbdinfo systemd-socket-activate

truncate -s 3M "$T/disk"

port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
systemd-socket-activate -l "127.0.0.1:$port" -l "$T/sock" \
	"$(command -v enbd-server)" -f 1 "$T/disk" >"$T/activate.log" 2>&1 &
PID=$!
SERVERS+=("$PID")
ok "systemd-socket-activate listens" eventually 10 test -S "$T/sock"
is "$(timeout 20 nbdinfo --size "nbd://127.0.0.1:$port" 2>&1)" 3145728 "the first client starts the server"
is "$(timeout 20 nbdinfo --size "nbd+unix://?socket=$T/sock" 2>&1)" 3145728 "it serves the other socket too"
ended "SIGTERM ends it"
ok "the socket is not its to remove" test -S "$T/sock"

# Passed to another process, or no listening socket
export LISTEN_PID=1 LISTEN_FDS=1
serve 0 "$T/disk"
is "$(timeout 20 nbdinfo --size "$URI" 2>&1)" 3145728 "sockets of another process are not taken"
ended "and it ends"
unset LISTEN_PID LISTEN_FDS
# shellcheck disable=SC2016
timeout 10 bash -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec enbd-server 0 "$1" -f 3<"$1"' x "$T/disk" 2>"$T/err"
is "$?" 2 "what is no socket is refused"
like "$(cat "$T/err")" "descriptor 3, which was passed, is no listening stream socket" "it says so"

cat >"$T/notify.py" <<'PY'
import os, socket, subprocess, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
s.settimeout(20)
p = subprocess.Popen(sys.argv[2:], env=dict(os.environ, NOTIFY_SOCKET=path))
print(s.recv(100).decode())
p.terminate()
p.wait(20)
PY
is "$(/usr/bin/python3 "$T/notify.py" "$T/notify" enbd-server 0 "$T/disk" -f 2>/dev/null)" \
	"READY=1" "it tells when clients may connect"
done_testing
