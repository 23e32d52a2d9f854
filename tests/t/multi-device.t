#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A hundred devices at once, without having been asked for when the module was
# loaded: nda to ndz, then ndaa to ndcv; every one has its own data, and
# disconnect --all takes them all.

. "$(dirname "$0")/../lib/enbd.sh"

count=100
for ((i = 0; i < count; i++)); do
	truncate -s 64k "$T/d$i"
done

# One export a device, as a real server has them: nbdkit's directory mode.
start_nbdkit file dir="$T"

connect_all()
{
	local i

	for ((i = 0; i < count; i++)); do
		enbdctl connect "$URI/d$i" || return 1
	done >"$T/names"
}

name_of()
{
	local i=$1 s=

	for ((i = i + 1; i > 0; i = (i - 1) / 26)); do
		s=$(printf "\\x$(printf %x $((97 + (i - 1) % 26)))")$s
	done
	echo "nd$s"
}

for ((i = 0; i < count; i++)); do
	echo "/dev/$(name_of $i)"
done >"$T/expected"

ok "connect $count devices" connect_all
is "$(sed -n '1p;26p;27p;100p' "$T/expected" | xargs)" \
	"/dev/nda /dev/ndz /dev/ndaa /dev/ndcv" "the names count as sd's do"
ok "the devices have these names" cmp "$T/names" "$T/expected"
is "$(field 'len(s["devices"])' ' ')" $count "status knows them all"

# all write|check: 64 KiB of its own to each device, or to see them there and in
# the server's file.
all()
{
	/usr/bin/python3 -S -E - "$1" "$T" <<-'END'
	import os, sys
	verb, folder = sys.argv[1:]
	with open(folder + '/names') as f:
	    names = f.read().split()
	for i, name in enumerate(names):
	    want = (name.encode() + b' ' * 32)[:32] * 2048
	    if verb == 'write':
	        with open(name, 'r+b') as d:
	            d.write(want)
	            d.flush()
	            os.fsync(d.fileno())
	        continue
	    for path in (name, '%s/d%d' % (folder, i)):
	        with open(path, 'rb') as d:
	            if d.read() != want:
	                sys.exit(path + ' has something else')
	END
}

ok "write to each" all write
echo 3 >/proc/sys/vm/drop_caches
ok "each has its own data, in its own file" all check

ok "a device in the middle goes" enbdctl disconnect ndz
ok "and its place is the next one's" connect "$URI/d25"
is "$DEV" /dev/ndz "the first free name"
ok "disconnect --all" within 60 enbdctl disconnect --all
ok "none is left" no_devices

done_testing
