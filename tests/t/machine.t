#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 500
#
# A machine with systemd, our units and mdadm's: an array of a disk of its own and
# one on the network, with a file system in fstab.
#
#	boots with the server there: connected, assembled, mounted
#	the server is away for longer than dead-timeout: the leg comes back by itself
#	goes down after the server has gone, with unwritten data: within a minute
#	boots without the server: mounted, degraded; the leg joins when it is there
#	goes down without the server of a device whose mount hangs, in a boot that
#	does not end
#	goes down without the server of a device that was connected by hand
#
# Once with the distribution of the guest, and once with Debian trixie's systemd,
# udev and mdadm (4.4), which handles disks like ours differently.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"
. "$ENBD_LIB/machine.sh"

[ -x /usr/lib/systemd/systemd ] || skip_all "systemd is not installed"
[ "$ENBD_GUEST" != uml-debug ] || skip_all "takes minutes there; needs --kernel uml"
trap 'machine_end 2>/dev/null; clean_up; rm -f "$TAP_OUT"' EXIT

must()
{
	ok "$@" || {
		machine_diag
		machine_end
		done_testing
	}
}

mounted()
{
	on mountpoint -q /srv/data
}

# in_machine SCRIPT
in_machine()
{
	on sh -ec "$1"
}

# boot_hangs NAME IMAGE: the server goes between connect and mount
boot_hangs()
{
	local name=$1 image=$2 units=$M/root/etc/systemd/system

	mount -o remount,rw "$M/root"
	cat >"$units/hold.service" <<-UNIT
	[Unit]
	DefaultDependencies=no
	After=enbd@leg.service
	Before=srv-data.mount
	[Service]
	Type=oneshot
	ExecStart=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.2; done'
	UNIT
	mkdir -p "$units/srv-data.mount.wants"
	ln -s ../hold.service "$units/srv-data.mount.wants"
	echo '/dev/nda /srv/data ext4 _netdev 0 0' >"$M/root/etc/fstab"
	rm "$image"
	truncate -s 64M "$image"
	mkfs.ext4 -q "$image"
	serve "$image"
	machine_on
	must "$name: boots as far as a mount" wait_for 60 unit_is hold.service activating
	is "$(dev_state nda)" up "$name: of a device that is up"
	serve_end -KILL
	ok "$name: its server goes" wait_for 10 dev_is nda parked
	on touch /run/go
	ok "$name: the mount hangs" wait_for 20 unit_is srv-data.mount activating
	isnt "$(on systemctl is-active remote-fs.target)" active "$name: and with it the boot"
	must "$name: goes down before it is up" machine_off 60
	ok "$name: within a minute ($TOOK ms)" test "$TOOK" -le 60000
	ok "$name: no device is left" wait_for 10 no_devices
	rm -r "$units"/hold.service "$units"/srv-data.mount.wants
}

lives()
{
	local name=$1 root=$2 image=$T/$1.image disk=$T/$1.disk leg sum

	diag "$name: $("$root/usr/lib/systemd/systemd" --version 2>/dev/null | head -n 1)" \
		"$(chroot "$root" mdadm --version 2>&1)"
	machine_make "$name" "$root" || die "$name: a machine is made"
	truncate -s 64M "$image" "$disk"
	leg=$(losetup -f --show "$disk")
	serve "$image"
	cat >"$M/root/etc/enbd/enbd.conf" <<-CONF
	[device leg]
	uri = $URI
	device = nda
	channels = 2
	CONF
	chmod 600 "$M/root/etc/enbd/enbd.conf"
	for unit in enbd.target enbd@leg.service enbd-monitor.service; do
		systemctl --root="$M/root" enable "$unit" >>"$T/enable" 2>&1 || die "enable $unit" "$(cat "$T/enable")"
	done

	# ---- first boot
	machine_on
	must "$name: boots" wait_for 60 unit_is multi-user.target active
	must "$name: the device is there" unit_is enbd@leg.service active
	is "$(dev_state nda)" up "$name: and is up"
	must "$name: an array is made" in_machine "
		mdadm --create /dev/md/data --run --name=data --homehost=any -l1 -n2 -b internal \
			--bitmap-chunk=64K $leg --write-mostly /dev/nda
		echo HOMEHOST any >/etc/mdadm/mdadm.conf
		mdadm --examine --scan >>/etc/mdadm/mdadm.conf
		mdadm --wait /dev/md/data || :
		# Nothing is left to write by itself that a new file would have to wait for.
		mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/md/data
		mkdir -p /srv/data
		echo '/dev/md/data /srv/data ext4 _netdev,nofail 0 0' >/etc/fstab
		systemctl daemon-reload
		systemctl start srv-data.mount
		dd if=/dev/urandom of=/srv/data/file bs=1M count=4 conv=fsync status=none"
	sum=$(on sha256sum /srv/data/file)
	must "$name: goes down" machine_off 60
	diag "$name: in $TOOK ms"
	ok "$name: the device went with it" no_devices

	# ---- with its server
	machine_on
	must "$name: boots, and the file system is mounted" wait_for 60 mounted
	is "$(on sha256sum /srv/data/file)" "$sum" "$name: with its file"
	must "$name: on both legs" wait_for 30 md_on_whole

	# ---- units that are stopped by hand
	in_machine "systemctl restart enbd-hurry.service enbd-arrays.service"
	is "$(field 'dev["dead_timeout_ms"]' nda)" 0 "$name: a unit that is restarted leaves the device its patience"
	ok "$name: and the file system where it is" mounted

	in_machine "
		systemctl start --no-block enbd-readd@nda.service
		until systemctl is-active enbd-readd@nda.service | grep -qx activating; do :; done
		systemctl restart enbd-readd@nda.service"
	is "$(on journalctl -b -u enbd-readd@nda.service | grep 'Failed with')" "" \
		"$name: a run that is killed for the next one has not failed"

	# ---- an outage that the array notices
	in_machine "enbdctl set nda --dead-timeout 1"
	serve_end -KILL
	ok "$name: the device is given up" wait_for 10 dev_is nda failed
	in_machine "dd if=/dev/urandom of=/srv/data/outage bs=1M count=1 conv=fsync status=none"
	ok "$name: the leg is out" wait_for 10 md_is degraded 1
	serve "$image"
	must "$name: it comes back by itself" wait_for 20 md_on_whole
	is "$(mismatches)" 0 "$name: without a difference"
	in_machine "enbdctl set nda --dead-timeout 0"

	# ---- down without the server
	serve_end -KILL
	ok "$name: the server goes, requests wait" wait_for 10 dev_is nda parked
	is "$(field 'dev["dead_timeout_ms"]' nda)" 0 "$name: for ever, if need be"
	in_machine "dd if=/dev/urandom of=/srv/data/more bs=1M count=4 status=none"
	must "$name: goes down all the same" machine_off 60
	ok "$name: within a minute ($TOOK ms)" test "$TOOK" -le 60000
	ok "$name: no device is left" wait_for 10 no_devices
	ok "$name: nor an array" no_arrays

	# ---- without
	losetup -j "$disk" | grep -q . || leg=$(losetup --show "$leg" "$disk")
	machine_on
	must "$name: boots without the server, and the file system is mounted" wait_for 90 mounted
	is "$(on sha256sum /srv/data/file)" "$sum" "$name: with its file"
	is "$(on stat -c %s /srv/data/more)" 4194304 "$name: and what was written last"
	serve "$image"
	must "$name: the server is there: connected by itself" wait_for 40 dev_is nda up
	must "$name: and the leg joins the array" wait_for 40 md_on_whole
	is "$(mismatches)" 0 "$name: no difference"
	must "$name: goes down" machine_off 60

	serve_end
	losetup -d "$leg" 2>/dev/null
	boot_hangs "$name" "$image"

	# ---- a device that is connected by hand, and no array
	systemctl --root="$M/root" disable enbd.target enbd@leg.service >>"$T/enable" 2>&1
	mount -o remount,rw "$M/root"
	echo '# nothing' >"$M/root/etc/fstab"
	rm "$image"
	truncate -s 64M "$image"
	serve "$image"
	machine_on
	must "$name: boots without a device" wait_for 60 unit_is multi-user.target active
	must "$name: one is connected by hand" in_machine "
		enbdctl connect $URI /dev/nda
		mkfs.ext4 -q /dev/nda
		mount /dev/nda /srv/data"
	ok "$name: arrays are seen to at shutdown" wait_for 20 unit_is enbd-arrays.service active
	in_machine "dd if=/dev/urandom of=/srv/data/more bs=1M count=4 status=none"
	serve_end -KILL
	must "$name: goes down without its server" machine_off 60
	ok "$name: within a minute ($TOOK ms)" test "$TOOK" -le 60000
	# The kernel is still there, and so is what was connected by hand.
	within 20 enbdctl disconnect --all --force
	ok "$name: nothing is left" wait_for 20 no_devices
	machine_end
	rm -f "$image" "$disk"
	rm -rf "$T/state"
}

no_arrays()
{
	! grep -q '^md' /proc/mdstat
}

# md_on_whole: the array, whatever it is called today, has both legs
md_on_whole()
{
	local array

	array=$(basename "$(readlink /dev/md/data)")
	[ -e "/sys/block/$array/md" ] && use_array "$array" && md_whole
}

lives host /
if [ -n "${ENBD_TRIXIE:-}" ]; then
	lives trixie "$ENBD_TRIXIE"
else
	skip "trixie" "no root directory of trixie: tests/vm/run --trixie"
fi
[ "$TAP_FAILED" -eq 0 ] || machine_diag
done_testing
