#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a user gets wrong at the command line: one line on stderr that names
# the thing, an exit code of its own, nothing on stdout, nothing left behind.

. "$(dirname "$0")/../lib/enbd.sh"

# refused STATUS ERE ARGUMENTS...: enbdctl's answer
refused()
{
	local want=$1 ere=$2 rc out err

	shift 2
	out=$(within 40 enbdctl "$@" 2>"$T/err")
	rc=$?
	err=$(cat "$T/err")
	is "$rc" "$want" "enbdctl $*: exit $want"
	if [ "$(wc -l <"$T/err")" = 1 ]; then
		like "$err" "^enbdctl: .*$ere" "  says: $err"
	else
		fail "  says one line"
		diag "$err"
	fi
	[ -z "$out" ] || fail "  nothing on stdout"
	nothing_left || fail "  nothing is left behind"
}

nothing_left()
{
	[ "$(compgen -G '/sys/block/nd[a-z]*' | wc -l)" = "${HAVE:-0}" ]
}

truncate -s 4M "$T/disk"
start_server "$T/disk"
port=$PORT
free=20999

# The network
refused 3 "$free.*[Rr]efused" connect "nbd://127.0.0.1:$free"
refused 3 'no-such-host\.invalid' connect nbd://no-such-host.invalid
refused 3 '/nowhere' connect 'nbd+unix:///?socket=/nowhere'
refused 3 "$free.*[Rr]efused" probe "nbd://127.0.0.1:$free"
refused 3 "$free.*[Rr]efused" list-exports "nbd://127.0.0.1:$free"

# The negotiation
refused 4 'nothing' connect "nbd://127.0.0.1:$port/nothing"
refused 4 'nothing' probe "nbd://127.0.0.1:$port/nothing"
start_hostile size-0
refused 4 'size|empty' connect "$URI"
start_hostile size-2-63
refused 4 'size|large' connect "$URI"
start_hostile size-all-ones
refused 4 'size|large' connect "$URI"
start_hostile http
refused 4 'NBD' connect "$URI"

# Usage
refused 2 'http' connect "http://127.0.0.1:$port"
refused 2 'nbd://' connect 'nbd://'
refused 2 '99999' connect 'nbd://127.0.0.1:99999'
refused 2 'port|x' connect 'nbd://127.0.0.1:x'
refused 2 '\[::1' connect 'nbd://[::1'
refused 2 '%zz|%' connect "nbd://127.0.0.1:$port/%zz"
refused 2 'socket' connect 'nbd+unix:///name'
refused 2 '/dev/sda' connect "nbd://127.0.0.1:$port" /dev/sda
refused 2 'nd1' connect "nbd://127.0.0.1:$port" /dev/nd1
refused 2 'ndA' connect "nbd://127.0.0.1:$port" ndA
refused 2 '/dev/nda1' connect "nbd://127.0.0.1:$port" /dev/nda1
refused 2 'ndzzzzzzzzzz' connect "nbd://127.0.0.1:$port" ndzzzzzzzzzz
refused 2 'channels|-n|0' connect "nbd://127.0.0.1:$port" -n 0
refused 2 'channels|-n|65' connect "nbd://127.0.0.1:$port" -n 65
refused 2 'four' connect "nbd://127.0.0.1:$port" -n four
refused 2 'timeout|-1' connect "nbd://127.0.0.1:$port" --io-timeout -1
refused 2 'timeout|soon' connect "nbd://127.0.0.1:$port" --dead-timeout soon
refused 2 'keepalive|soon' connect "nbd://127.0.0.1:$port" --keepalive soon
refused 2 'replay|often' connect "nbd://127.0.0.1:$port" --replay often
refused 2 'signature|beef' connect "nbd://127.0.0.1:$port" --signature beef
refused 2 'ftp' connect "nbd://127.0.0.1:$port" --path ftp://host
refused 2 'ftp' connect "nbd://127.0.0.1:$port" ftp://host /dev/nda
refused 2 '/dev/nda' connect "nbd://127.0.0.1:$port" /dev/nda ndb
refused 5 'signature' connect "nbd://127.0.0.1:$port" --signature "$(printf %064d 0)"
refused 2 'nothing to change' set nda
refused 2 'timeout|soon' set nda --io-timeout soon
refused 2 'backoff|0' monitor --max-backoff 0
refused 2 'surplus' monitor surplus
refused 2 'device' accept
refused 2 'device' lost-regions
refused 3 '192\.0\.2\.1' connect "nbd://127.0.0.1:$port" --bind 192.0.2.1
refused 3 'nocard0' connect "nbd://127.0.0.1:$port" --bind nocard0
refused 2 'eth 0' connect "nbd://127.0.0.1:$port" --bind 'eth 0'
refused 2 'frobnicate' frobnicate
refused 2 'connect' connect
refused 2 '' connect "nbd://127.0.0.1:$port" /dev/nda surplus

# Not connected
refused 8 'nda' disconnect /dev/nda
refused 8 'nda' status /dev/nda
refused 8 'nda' channel add /dev/nda
refused 8 'nda' channel list /dev/nda
refused 8 'nda' resize /dev/nda 1M
refused 8 'nda' set /dev/nda --io-timeout 1
refused 8 'nda' accept /dev/nda
refused 8 'nda' lost-regions /dev/nda

# In use
need_connect "nbd://127.0.0.1:$port" /dev/nda
HAVE=1
refused 6 'nda' connect "nbd://127.0.0.1:$port" /dev/nda
refused 8 '7' channel del /dev/nda 7
exec 8<"$DEV"
refused 6 'nda' disconnect /dev/nda
exec 8<&-
ok "and the device still works" dd if="$DEV" of=/dev/null bs=64k iflag=direct
HAVE=0
ok "until it is disconnected" disconnect

# Not root
as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all -- "$@"
}
# The tree may be where nobody may look.
chmod 755 "$T"
cp "$(command -v enbdctl)" "$T/enbdctl"
as_nobody "$T/enbdctl" connect "nbd://127.0.0.1:$port" >"$T/out" 2>"$T/err"
like $? '^[17]$' "not root: exit 1 or 7"
like "$(cat "$T/err")" '^enbdctl: .*([Pp]ermi|root|CAP_)' \
	"  says: $(cat "$T/err")"
is "$(wc -l <"$T/err")" 1 "  one line"
ok "  nothing is left" no_devices
ok "anyone may look" as_nobody "$T/enbdctl" status

# No module: not loaded, and not to be had
rmmod enbd
mkdir "$T/empty"
# Nor may the kernel find it by itself, which sees the real folder.
loader=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
cat >"$T/nomodule" <<'END'
mount --bind "$1" "/lib/modules/$(uname -r)" || exit 99
shift
exec "$@"
END
unshare -m sh "$T/nomodule" "$T/empty" enbdctl connect \
	"nbd://127.0.0.1:$port" >"$T/out" 2>"$T/err"
is $? 7 "no module: exit 7"
like "$(cat "$T/err")" '^enbdctl: .*(module|modprobe)' "  says: $(cat "$T/err")"
is "$(wc -l <"$T/err")" 1 "  one line"
ok "the module is not loaded" test ! -d /sys/module/enbd
echo "$loader" >/proc/sys/kernel/modprobe

done_testing
