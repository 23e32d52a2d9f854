#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# "make install" lays out what it should, but for the module, which needs kernel
# headers; and what is installed calls what is installed, wherever that is.
. "$(dirname "$0")/lint.sh"

work=$(mktemp -d /tmp/enbd-install.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

# lay_out FOLDER [VARIABLE=VALUE...]: as "make install" without the module
lay_out() {
	local to=$work/$1
	shift
	make --no-print-directory -o install-module install DESTDIR="$to" "$@" >"$work/log" 2>&1 ||
		tail -n 20 "$work/log"
}

# laid_out FOLDER: mode and path of every file there
laid_out() {
	find "$work/$1" ! -type d \( -type l -printf 'link /%P -> %l\n' -o -printf '%m /%P\n' \) | LC_ALL=C sort
}

# expected SBINDIR LIBDIR MANDIR UNITDIR UDEVDIR OCFDIR
expected() {
	LC_ALL=C sort <<-LIST
	755 $1/enbdctl
	755 $1/enbd-server
	link $1/enbd-client -> enbdctl
	755 $2/going-down
	755 $2/hurry
	755 $2/stop-arrays
	644 $3/man5/enbd.conf.5
	644 $3/man5/enbd-server.conf.5
	644 $3/man8/enbd-client.8
	644 $3/man8/enbdctl.8
	644 $3/man8/enbd-server.8
	644 $4/enbd@.service
	644 $4/enbd-arrays.service
	644 $4/enbd-hurry.service
	644 $4/enbd-monitor.service
	644 $4/enbd-readd@.service
	644 $4/enbd-server.service
	644 $4/enbd-server.socket
	644 $4/enbd.target
	link $4/shutdown.target.wants/enbd-hurry.service -> ../enbd-hurry.service
	644 $5/60-enbd.rules
	755 $6/resource.d/enbd/client
	755 $6/resource.d/enbd/mirror
	755 $6/resource.d/enbd/server
	644 $6/lib/enbd/array
	644 $6/lib/enbd/cluster
	644 $6/lib/enbd/common
	600 /etc/enbd/enbd.conf
	LIST
}

# called FOLDER: programs of ours that units and rules there start, and are not there
called() {
	grep -rhoE '^(Exec[A-Za-z]*=[-+!@:]*/[^ ]*|.*RUN\+="/[^ "]*)' "$work/$1" --include='*.service' --include='*.rules' |
		sed -E 's/^[^/]*=[-+!@:]*//; s/.*RUN\+="//' | grep -E 'enbd|hurry' | sort -u | while read -r program; do
		[ -x "$work/$1$program" ] || echo "$program"
	done
}

# paths FOLDER: how the scripts there find the programs
paths() {
	grep -rhx 'PATH=\$PATH:.*' "$work/$1" | sort | uniq -c | sed 's/^ *//'
}

{
	lay_out usual
	diff <(expected /usr/sbin /usr/lib/enbd /usr/share/man /lib/systemd/system /lib/udev/rules.d /usr/lib/ocf) <(laid_out usual)
} | ok "make install: tools, units, rules, agents, pages"
called usual | ok "what is started is there"

{
	lay_out chosen SBINDIR=/opt/sbin LIBDIR=/opt/lib/e MANDIR=/opt/man UNITDIR=/opt/units UDEVDIR=/opt/rules OCFDIR=/opt/ocf
	diff <(expected /opt/sbin /opt/lib/e /opt/man /opt/units /opt/rules /opt/ocf) <(laid_out chosen)
} | ok "each folder can be chosen"
called chosen | ok "what is started is there"
grep -rnIE '/usr/sbin|/usr/lib/enbd' "$work/chosen" | ok "nothing names the usual ones"
diff <(echo '2 PATH=$PATH:/opt/sbin') <(paths chosen) | ok "scripts find the programs"

lay_out local PREFIX=/usr/local | ok "PREFIX=/usr/local"
diff <(expected /usr/local/sbin /usr/local/lib/enbd /usr/local/share/man /lib/systemd/system /lib/udev/rules.d /usr/lib/ocf) \
	<(laid_out local) | ok "units, rules and agents are where others look all the same"
called local | ok "what is started is there"

echo '# mine' >"$work/usual/etc/enbd/enbd.conf"
{
	lay_out usual
	grep -qx '# mine' "$work/usual/etc/enbd/enbd.conf" || echo "enbd.conf was overwritten"
} | ok "once more: the configuration stays"

{
	make --no-print-directory install-tools DESTDIR="$work/tools-only" >"$work/log" 2>&1 || tail -n 20 "$work/log"
	laid_out tools-only | grep -E '/ocf/|\.ko'
} | ok "make install-tools: neither agents nor module"
finish
