#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Memory runs out at the first, second, third, ... allocation of making a
# device, adding a channel and resizing, until none is left to fail (fail-nth
# of the kernel's fault injection). Each call succeeds or fails whole, with
# nothing left behind, and the device there goes on working.

. "$(dirname "$0")/../lib/enbd.sh"

debugfs=/sys/kernel/debug
[ -d $debugfs/failslab ] && [ -e /proc/self/fail-nth ] ||
	skip_all "no fault injection in this kernel"

truncate -s 4M "$T/disk"
start_server "$T/disk"
sockets=$(count_sockets)

# Allocations that may sleep fail, too, but nobody else's.
for kind in failslab fail_page_alloc; do
	echo 0 >$debugfs/$kind/probability
	echo 0 >$debugfs/$kind/verbose
	echo 0 >$debugfs/$kind/ignore-gfp-wait
done

cat >"$T/nth.py" <<'END'
import errno
import os
import sys

sys.path.insert(0, sys.argv[1])
from nl import Family, NetlinkError, negotiate
from tap import diag, equal, ok

port, step = int(sys.argv[2]), int(sys.argv[3])
f = Family()
fail_nth = os.open('/proc/thread-self/fail-nth', os.O_RDWR)


def call_failing(n, call, arg):
    """Error of the call with its allocation number n failing, and whether
    there was one of this number."""
    error = None
    os.write(fail_nth, b'%d' % n)
    try:
        call(arg)
    except NetlinkError as e:
        error = e.errno
    except OSError as e:
        # Not the driver's: the socket had no memory for question or answer.
        error = -e.errno
    hit = int(os.pread(fail_nth, 16, 0)) == 0
    os.write(fail_nth, b'0')
    return error, hit


def sweep(name, call, undo, state):
    before = state()
    failed = worked = odd = 0
    n = 1
    hit = True
    while hit and n < 5000:
        arg = negotiate(port)
        error, hit = call_failing(n, call, arg)
        arg[0].close()
        if error is None:
            worked += 1
            undo()
        elif error < 0:
            f.reopen()
            if state() != before:
                undo()
        else:
            failed += 1
            if error not in (errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC):
                diag('%s: allocation %d: %s' % (name, n, errno.errorcode[error]))
        if state() != before:
            odd += 1
            diag('%s: failing allocation %d left %r' % (name, n, state()))
            undo()
        n += step
    diag('%s: %d allocations, %d calls failed, %d worked' %
         (name, n - 1, failed, worked))
    equal(odd, 0, name + ': all or nothing')
    ok(failed > 0, name + ': failing memory was met')
    ok(not hit, name + ': at every allocation')


def names():
    return [d['name'] for d in f.call('device-get', dump=True)]


def channel(arg):
    s, size, flags = arg
    return {'fd': s.fileno(), 'size': size, 'flags': flags}


def add(arg):
    _, size, flags = arg
    f.call('device-add', [('size', size), ('flags', flags), ('index', 0),
                          ('uri', 'nbd://127.0.0.1'), ('export', 'x'),
                          ('channel', channel(arg))])


def delete():
    f.call('device-del', index=0, force=True)


sweep('device-add', add, delete, names)

first = negotiate(port)
size = first[1]
add(first)
first[0].close()


def channels():
    there = [c['index'] for c in f.call('channel-get', [('device-index', 0)],
                                        dump=True)]
    # A directory may find no memory, but none is left without a channel.
    return there, sorted({d for d in os.listdir('/sys/block/nda')
                          if d.startswith('channel')} -
                         {'channel%d' % i for i in there})


def add_channel(arg):
    f.call('channel-add', [('device-index', 0), ('index', 1)] +
           list(channel(arg).items()))


sweep('channel-add', add_channel,
      lambda: f.call('channel-del', [('device-index', 0), ('index', 1)]),
      channels)
sweep('device-set', lambda arg: f.call('device-set', index=0, size=size - 512),
      lambda: f.call('device-set', index=0, size=size),
      lambda: f.call('device-get', index=0)['size'])

# An event that finds no memory is an overrun for who listens, never nothing.
listener = Family()
listener.join()


def heard():
    try:
        return listener.event(5)
    except OSError as e:
        return e.errno


def hear_the_rest():
    while True:
        try:
            if listener.event(0.05) is None:
                return
        except OSError:
            pass


unheard = overruns = 0
n, hit = 1, True
while hit and n < 1000:
    error, hit = call_failing(
        n, lambda size: f.call('device-set', index=0, size=size), size - 512)
    if error is not None and error < 0:
        f.reopen()
    if f.call('device-get', index=0)['size'] != size:
        event = heard()
        unheard += event is None
        overruns += event == errno.ENOBUFS
        f.call('device-set', index=0, size=size)
    hear_the_rest()
    n += 1
equal(unheard, 0, 'events: none is missed without a word')
ok(overruns > 0, 'events: failing memory was met')
with open('/dev/nda', 'rb') as d:
    equal(len(d.read(65536)), 65536, 'the device reads')
delete()
END

subtests /usr/bin/python3 "$T/nth.py" "$ENBD_LIB" "$PORT" 1
back()
{
	[ "$(count_sockets)" -le "$sockets" ]
}
ok "no socket is left" wait_for 10 back
need_connect "$URI" -n 2
ok "connecting works" dd if="$DEV" of=/dev/null bs=64k iflag=direct
ok "disconnect" disconnect

done_testing
