#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server is restarted again and again, in order and by SIGKILL, under a
# mounted ext4 that is written to all the time. The monitor connects again. The
# file system sees no error, fsck finds none, and every file is what it was.
# timeout: 240

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/monitor.sh"

case $ENBD_GUEST in
uml)	restarts=$(long 30 100) ;;
*)	restarts=6 ;;
esac

truncate -s 64M "$T/disk"
PORT=0

# start: the server, on the port it had before.
start()
{
	rm -f "$T/port"
	spawn enbd-server enbd-server "$PORT" "$T/disk" -f --bind 127.0.0.1 \
		--port-file "$T/port"
	server=$PID
	await_server enbd-server "$T/port"
	PORT=$(cat "$T/port")
}

start
start_monitor --max-backoff 0.5
need_connect "nbd://127.0.0.1:$PORT" -n 2 --dead-timeout 0
mkdir "$T/mnt"
ok "mkfs" mkfs.ext4 -q -F "$DEV"
ok "mount" mount -o errors=remount-ro "$DEV" "$T/mnt"

# Small files and large ones, some written over, with their checksums elsewhere.
write_files()
{
	local i=0 name

	while [ ! -e "$T/enough" ]; do
		i=$((i + 1))
		name=$T/mnt/file$((i % 60))
		head -c $((RANDOM % 200000)) /dev/urandom >"$name" || return 1
		[ $((i % 4)) -ne 0 ] || sync "$name" || return 1
		sha256sum "$name" >"$T/sums/$((i % 60))" || return 1
		echo $i >"$T/count"
	done
}
mkdir "$T/sums"
spawn writer write_files
writer=$PID

count()
{
	local n=0

	read -r n 2>/dev/null <"$T/count"
	echo $((n))
}

# The load comes on between two restarts, so that each meets requests.
goes_on()
{
	[ "$(count)" -gt "$1" ]
}

done=0
for ((i = 0; i < restarts; i++)); do
	before=$(count)
	wait_for 30 goes_on "$before" || break
	if [ $((i % 2)) = 0 ]; then
		kill -9 "$server"
	else
		kill "$server"
	fi
	wait "$server" 2>/dev/null
	start
	done=$((done + 1))
done
is $done "$restarts" "the load goes on after each of $restarts restarts"
ok "all channels come back" wait_for 20 all_live 2
touch "$T/enough"
ends 60 "$writer"
is $? 0 "no write failed"
diag "$(count) files, incarnations $(chan_values incarnation), in $SECONDS s"
num "$(chan_min incarnation)" -gt $((restarts / 2)) "the channels were connected anew"
ok "umount" umount "$T/mnt"
ok "fsck" e2fsck -fn "$DEV"
ok "mount again" mount -o ro "$DEV" "$T/mnt"
ok "every checksum is right" sh -c 'cat "$1"/sums/* | sha256sum -c --quiet' sh "$T"
ok "umount again" umount "$T/mnt"
is "$(field 'dev["state"]')" up "the device is up, not stale"
nok "no I/O error in the log" log_has 'I/O error|EXT4-fs error|EXT4-fs warning|Buffer I/O'
ok "disconnect" disconnect
kill_monitor TERM

done_testing
