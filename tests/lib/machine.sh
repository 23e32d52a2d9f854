# SPDX-License-Identifier: GPL-2.0
#
# A machine with systemd as its first process: it boots, has its units, and goes
# down as machines do. It has processes, mounts, control groups and a root
# directory of its own; kernel, network and devices are the guest's, so that its
# udevd sees them come and go. Source it after enbd.sh.
#
# Not tested here: that the network goes down at shutdown, and an initramfs.

MACHINE=		# process id of its systemd

# machine_make NAME ROOT: from the system in directory ROOT, with ours installed.
# What it changes stays until the test ends.
machine_make()
{
	local unit

	M=$T/machine-$1
	mkdir -p "$M"/{upper,work,root}
	# An empty mask of a unit, and no unit that is wanted by anything
	mount -t overlay -o "lowerdir=$2,upperdir=$M/upper,workdir=$M/work" overlay "$M/root" ||
		return 1
	make -s -C "$ENBD_TREE" install-tools DESTDIR="$M/root" || return 1
	rm -rf "$M"/root/etc/systemd/system/*.wants
	systemctl --root="$M/root" enable remote-fs.target 2>/dev/null
	for unit in systemd-sysctl systemd-timesyncd systemd-networkd-wait-online \
			systemd-firstboot systemd-random-seed systemd-logind getty@tty1 \
			dbus.socket dbus e2scrub_reap systemd-remount-fs \
			nbd-server nbd-client; do
		case $unit in *.*) ;; *) unit=$unit.service ;; esac
		ln -sf /dev/null "$M/root/etc/systemd/system/$unit"
	done
	echo '# nothing' >"$M/root/etc/fstab"
	# What would make it a container in its own eyes
	rm -f "$M/root/.dockerenv" "$M/root/etc/machine-id"
	echo 0123456789abcdef0123456789abcdef >"$M/root/etc/machine-id"
}

# machine_first: the process that has id 1 in there; unshare itself is outside
machine_first()
{
	local pid

	pid=$(pgrep -P "$UNSHARE") && MACHINE=$pid
}

# machine_on: the power is switched on
machine_on()
{
	mount -o remount,rw "$M/root"
	mkdir -p /sys/fs/cgroup/machine
	(
		echo "$BASHPID" >/sys/fs/cgroup/machine/cgroup.procs
		exec unshare --pid --mount --uts --cgroup --fork --kill-child \
			--propagation private "$ENBD_LIB/machine" "$M"
	) >"$M/log" 2>&1 </dev/null &
	UNSHARE=$!
	PIDS+=("$UNSHARE")
	wait_for 10 machine_first || die "the machine starts" "$(cat "$M/log")"
}

# on COMMAND...: in the machine
on()
{
	nsenter -t "$MACHINE" -m -u -p -C -- "$@"
}

unit_is()
{
	[ "$(on systemctl is-active "$1")" = "$2" ]
}

# machine_off SECONDS: as by its administrator; false if it takes longer. Sets TOOK,
# in ms.
machine_off()
{
	local start

	start=$(now_ms)
	on systemctl --no-block poweroff 2>/dev/null
	wait_for "$1" gone "$UNSHARE" || return 1
	wait "$UNSHARE" 2>/dev/null
	TOOK=$(($(now_ms) - start))
	MACHINE=
}

machine_diag()
{
	[ -n "$MACHINE" ] || return
	diag "$(cat /proc/mdstat)"
	diag "$(on systemctl --failed --no-legend --plain 2>&1)"
	diag "$(on systemctl list-units --all --no-legend --plain '*md*' '*data*' 'enbd*' 2>&1)"
	diag "$(on systemctl list-jobs 2>&1 | head -n 20)"
	diag "$(on journalctl -b --no-pager -p 5 _TRANSPORT=journal + _TRANSPORT=stdout + _TRANSPORT=syslog 2>&1 | tail -n 60)"
	diag "$(on journalctl -b --no-pager -u 'enbd*' -u mdmonitor -u 'mdadm*' 2>&1 | tail -n 40)"
}

machine_end()
{
	[ -z "$MACHINE" ] || kill -9 "$MACHINE"
	MACHINE=
	umount -l "$M/root"
}
