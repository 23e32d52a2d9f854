#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tests/vm/run fails when the guest's kernel complains: of every kind of complaint,
# and whatever the command's own status is. What it does not see, no test sees.
. "$(dirname "$0")/lint.sh"
[ -x /usr/bin/python3 ] || skip_all "python3 is missing: apt install python3"

work=$(mktemp -d /tmp/enbd-judge.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1

# ---- the log of a kernel

# report [ALLOWED...] <LOG: what tests/vm/lib/klog.py has to say of a whole log
report()
{
	/usr/bin/python3 -c '
import sys
sys.path.insert(0, "tests/vm/lib")
import klog
said = klog.report(sys.stdin.read(), sys.argv[1:], over=True)
if said:
    print(said)
' "$@"
}

# whole <LINES: between the marks of a test
whole()
{
	echo "[    0.000000] WARNING: CPU: 0 PID: 0 at before/the/test.c:1"
	echo "[    0.201000] enbd-vm: the test begins"
	cat
	echo "[    9.000000] enbd-vm: the test is over"
}

# bad KIND <LINES: they are found
bad()
{
	whole | report >"$work/said"
	{ grep -q '^kernel log: ' "$work/said" || echo "said nothing"; } | ok "$1"
}

# good KIND [ALLOWED...] <LINES: they are not
good()
{
	local kind=$1

	shift
	whole | report "$@" | ok "$kind"
}

bad "BUG" <<'LOG'
[    1.0] BUG: unable to handle page fault for address: ffffc90000000000
LOG
bad "BUG at a line" <<'LOG'
[    1.0] kernel BUG at drivers/enbd/io.c:17!
LOG
bad "WARNING" <<'LOG'
[    1.0] ------------[ cut here ]------------
[    1.0] WARNING: CPU: 1 PID: 77 at drivers/enbd/session.c:42 enbd_session_free+0x1/0x2 [enbd]
LOG
bad "WARNING of newer kernels" <<'LOG'
[    1.0] WARNING: drivers/enbd/session.c:42 at enbd_session_free+0x1/0x2 [enbd], CPU#1: rmmod/77
LOG
bad "KASAN" <<'LOG'
[    1.0] ==================================================================
[    1.0] BUG: KASAN: slab-use-after-free in enbd_io_end+0x1/0x2 [enbd]
LOG
bad "UBSAN" <<'LOG'
[    1.0] UBSAN: array-index-out-of-bounds in drivers/enbd/wire.c:9:3
LOG
bad "lockdep: a circle" <<'LOG'
[    1.0] ======================================================
[    1.0] WARNING: possible circular locking dependency detected
LOG
bad "lockdep: recursion, by a line alone" <<'LOG'
[    1.0] possible recursive locking detected
LOG
bad "lockdep: interrupts" <<'LOG'
[    1.0] inconsistent lock state
LOG
bad "lockdep: RCU" <<'LOG'
[    1.0] drivers/enbd/session.c:7 suspicious RCU usage!
LOG
bad "a hung task" <<'LOG'
[   61.0] INFO: task enbdctl:123 blocked for more than 60 seconds.
LOG
bad "a stalled processor" <<'LOG'
[   61.0] rcu: INFO: rcu_sched self-detected stall on CPU
LOG
bad "a soft lockup" <<'LOG'
[   61.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:9]
LOG
bad "kmemleak" <<'LOG'
[    8.0] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
LOG
bad "a panic" <<'LOG'
[    1.0] Kernel panic - not syncing: Fatal exception
LOG
bad "an Oops" <<'LOG'
[    1.0] Oops: Oops: 0000 [#1] SMP
LOG
bad "a wrong reference count" <<'LOG'
[    1.0] refcount_t: underflow; use-after-free.
LOG
bad "a damaged list" <<'LOG'
[    1.0] list_del corruption. prev->next should be ffff888000000000, but was 0
LOG
bad "an object in use that is freed" <<'LOG'
[    1.0] ODEBUG: free active (active state 0) object: 00000000 object type: work_struct
LOG
bad "a slab that is not empty" <<'LOG'
[    1.0] BUG enbd_io (Not tainted): Objects remaining on __kmem_cache_shutdown()
LOG
bad "a call trace without a headline" <<'LOG'
[    1.0] CPU: 0 PID: 77 Comm: rmmod
[    1.0] Call Trace:
[    1.0]  dump_stack+0x1/0x2
LOG
while read -r line; do
	bad "$line" <<<"[    1.0] $line"
done <<'LOG'
KASAN: null-ptr-deref in range [0x0000000000000008-0x000000000000000f]
KCSAN: data-race in enbd_io_end / enbd_io_take
possible irq lock inversion dependency detected
possible lock order inversion
[ bad unlock balance detected! ]
[ held lock freed! ]
[ rmmod/77 still has locks held! ]
[ Invalid wait context ]
khungtaskd: a task hung
rcu: INFO: rcu_sched detected stalls on CPUs/tasks:
rcu_sched self-detected stall
general protection fault, probably for non-canonical address 0x0: 0000 [#1]
unregister_netdevice: waiting for veth0 to become free. Usage count = 2
Objects remaining in enbd_io on __kmem_cache_shutdown()
LOG
bad "lines that end as on a terminal" < <(printf '[    1.0] BUG: x\r\n')

good "a clean log" <<'LOG'
[    1.0] enbd: loading out-of-tree module taints kernel.
[    1.0] nda: channel 0 to 127.0.0.1:21001 lost: connection reset by the server
[    1.0] nda: up again, debugging warnings are no WARNING
LOG
good "before the test anything goes" </dev/null
good "what was allowed" 'BUG: x$' <<'LOG'
[    1.0] BUG: x
LOG
good "a call trace whose headline was allowed" 'page allocation failure' <<'LOG'
[    1.0] dd: page allocation failure: order:0, mode:0x800(GFP_NOWAIT)
[    1.0] CPU: 0 PID: 77 Comm: dd
[    1.0] Call Trace:
LOG
good "a trace of fault injection" <<'LOG'
[    1.0] FAULT_INJECTION: forcing a failure.
[    1.0] name failslab, interval 1, probability 0, space 0, times 0
[    1.0] CPU: 0 PID: 77 Comm: dd
[    1.0] Call Trace:
LOG
printf '[    1.0] BUG: x\n[    1.0] BUG: y\n' | whole | report 'BUG: x' >"$work/said"
{ grep -q '^kernel log: .*BUG: y$' "$work/said" || cat "$work/said"; } |
	ok "what was allowed does not hide what was not"

# Nothing follows from a log that is not whole.
for mark in begins "is over"; do
	whole </dev/null | grep -v "$mark" | report >"$work/said"
	{ grep -q "not whole.*$mark" "$work/said" || echo "said nothing"; } |
		ok "a log that does not say that the test $mark"
done
report </dev/null >"$work/said"
{ grep -q 'not whole' "$work/said" || echo "said nothing"; } | ok "an empty log"

# ---- the verdict

# verdict STATUS OUTCOME [kmemleak] <LINES: what boot.py makes of a guest's
# end: its own (status or None, began, late), its log, and what kmemleak found
verdict()
{
	local want=$1 outcome=$2 got

	rm -rf "$work/run"
	mkdir -p "$work/run/out"
	cat >"$work/run/klog"
	[ -z "${3:-}" ] || echo "unreferenced object" >"$work/run/out/kmemleak"
	got=$(/usr/bin/python3 -c '
import argparse, sys
sys.path.insert(0, "tests/vm/lib")
import boot
args = argparse.Namespace(kernel="uml", allow_log=[], keep_log="", timeout=1)
print(boot.judge(args, sys.argv[1], sys.argv[1] + "/out", eval(sys.argv[2])))
' "$work/run" "$outcome" 2>"$work/said")
	[ "$got" = "$want" ] || { echo "verdict $got, wanted $want"; cat "$work/said"; }
}

whole </dev/null | verdict 0 "(0, True, False)" | ok "verdict: all is well"
whole </dev/null | verdict 3 "(3, True, False)" | ok "verdict: the command failed"
echo "BUG: x" | whole | verdict 99 "(0, True, False)" | ok "verdict: the kernel complained"
echo "BUG: x" | whole | verdict 99 "(3, True, False)" | ok "verdict: both"
whole </dev/null | verdict 99 "(0, True, False)" kmemleak | ok "verdict: memory leaked"
whole </dev/null | verdict 124 "(None, True, True)" | ok "verdict: too late"
whole </dev/null | verdict 99 "(None, True, False)" | ok "verdict: the guest died"
verdict 98 "(None, False, False)" </dev/null | ok "verdict: it did not come up"
verdict 99 "(0, True, False)" </dev/null | ok "verdict: its log is missing"
whole </dev/null | grep -v "is over" | verdict 99 "(0, True, False)" | ok "verdict: its log breaks off"

# ---- a real guest

if ! tests/vm/run --list | grep -q '^uml  *[0-9]'; then
	echo "# no guests: the kernel uml is not cached yet"
	finish
fi

# run STATUS ERE ARGUMENTS...: tests/vm/run ends so and says so
run()
{
	local want=$1 ere=$2 got

	shift 2
	timeout 120 tests/vm/run "$@" >"$work/out" 2>"$work/said" </dev/null
	got=$?
	[ $got = "$want" ] || { echo "exit status $got, wanted $want"; tail -n 5 "$work/said"; }
	[ -z "$ere" ] || grep -qE "$ere" "$work/said" "$work/out" || { echo "did not say $ere"; tail -n 5 "$work/said"; }
}

run 7 '^hello$' -- sh -c 'echo hello; exit 7' | ok "guest: the command's own status"
run 99 'the command.s own status was 0' -- sh -c "echo 'BUG: x' >/dev/kmsg" |
	ok "guest: the kernel complains of a command that is content"
run 0 '' --allow-log 'BUG: x' -- sh -c "echo 'BUG: x' >/dev/kmsg" | ok "guest: unless that was allowed"
run 99 'died without a status' -- /run/enbd/busybox poweroff -f | ok "guest: it dies"
run 124 'not finished after 6 s' --timeout 6 -- sleep 100 | ok "guest: the deadline"
run 2 'nosuch: not one of' --kernel nosuch -- true | ok "no such kernel"
run 2 'no command given' | ok "no command"
ENBD_VM_CACHE=/dev/null run 97 'cannot be written' -- true | ok "no cache"
finish
