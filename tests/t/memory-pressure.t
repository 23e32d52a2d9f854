#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
#
# A machine short of memory whose dirty pages can only be freed by writing them
# to the very devices, with the servers on the same machine: md5sum of a whole
# device, ten times, is always the same and never stuck. The authors of the
# original hunted exactly this for months.
#
#     memory cgroup                                   outside
#     +----------------------------------+
#     | md5sum /dev/nda   (10 times)     |--- nda ---- server, file
#     | dd -> /mnt/file   (buffered)     |
#     |        ext4 on /dev/ndb          |--- ndb ---- server, file
#     +----------------------------------+

. "$(dirname "$0")/../lib/enbd.sh"

mkdir "$T/cg" "$T/mnt"
mount -t cgroup2 none "$T/cg" 2>/dev/null || skip_all "no cgroup2 here"
if ! grep -qw memory "$T/cg/cgroup.controllers"; then
	umount "$T/cg"
	skip_all "no memory controller"
fi

end_cgroup()
{
	umount -l "$T/mnt" 2>/dev/null
	wait_for 10 rmdir "$T/cg/enbd-test"
	umount "$T/cg"
	clean_up
	rm -f "$TAP_OUT"
}
trap end_cgroup EXIT

mib=$(scale 128)
limit=$(scale 48 24)
head -c "${mib}M" /dev/urandom >"$T/one"
truncate -s 128M "$T/two"
start_server "$T/one"
one=$URI
start_server "$T/two"
need_connect "$one" -n 4
nda=$DEV
need_connect "$URI" -n 4
ndb=$DEV
file=$T/mnt/file
ok "mkfs on the second device" mkfs.ext4 -q -F "$ndb"
ok "mount" mount "$ndb" "$T/mnt"

echo +memory >"$T/cg/cgroup.subtree_control"
mkdir "$T/cg/enbd-test"
echo "${limit}M" >"$T/cg/enbd-test/memory.max"
want=$(md5sum <"$T/one")

# inside SECONDS COMMAND...: in the cgroup, ended after so long.
inside()
{
	local s=$1

	shift
	within "$s" bash -c 'echo $$ >"$1" && shift && exec "$@"' - \
		"$T/cg/enbd-test/cgroup.procs" "$@"
}

spawn writer bash -c 'echo $$ >"$1"
	while dd if=/dev/zero of="$2" bs=1M count="$3" conv=notrunc; do
		echo round
	done 2>/dev/null' - "$T/cg/enbd-test/cgroup.procs" "$file" "$(scale 100 40)"
writer=$PID

for i in 1 2 3 4 5 6 7 8 9 10; do
	echo 3 >/proc/sys/vm/drop_caches
	got=$(inside 60 md5sum "$nda")
	is "${got%% *}" "${want%% *}" "md5sum number $i of $mib MiB"
done
ok "the writer lives" kill -0 "$writer"
num "$(grep -c round "$T/writer.log")" -ge 1 "and wrote its file again and again"
num "$(awk '/^(max|high) / { n += $2 } END { print n }' \
	"$T/cg/enbd-test/memory.events")" -gt 10 "memory was short all the time"
is "$(awk '/^oom_kill / { print $2 }' "$T/cg/enbd-test/memory.events")" 0 \
	"nobody was killed for it"
echo 1 >"$T/cg/enbd-test/cgroup.kill"
ok "the writer ends" wait_for 20 gone "$writer"

# A buffered writer on the raw device itself, half its memory dirty.
[ "$file" = "$ndb" ] || ok "umount" within 60 umount "$T/mnt"
ok "write 100 MiB through $limit MiB of memory" \
	inside 60 dd if=/dev/urandom of="$ndb" bs=1M count=100 conv=fsync
ok "they are in the server's file" inside 60 cmp -n 100M "$ndb" "$T/two"
is "$(field 'sum(c["errored"] + c["retracted"] for d in s["devices"]
	for c in d["channels"])' ' ')" 0 "no error, no channel was lost"
ok "disconnect" enbdctl disconnect --all

wait_for 10 rmdir "$T/cg/enbd-test"
umount "$T/cg"
done_testing
