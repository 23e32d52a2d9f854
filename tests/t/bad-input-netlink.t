#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The netlink family against callers that are not enbdctl: file descriptors
# that are no sockets of the right kind, channels that do not fit their device,
# too many, too long, missing, mistyped and unprivileged. Every one is refused
# with its errno and a text, names the attribute where there is one, and leaves
# nothing behind: no device, no reference to the socket.

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 8M
sockets=$(count_sockets)

cat >"$T/bad.py" <<'END'
import os
import socket
import struct
import sys

sys.path.insert(0, sys.argv[1])
from nl import Family, NetlinkError, negotiate
from tap import diag, equal, ok

port = int(sys.argv[2])
f = Family()


def devices():
    return sorted(d['name'] for d in f.call('device-get', dump=True))


def refused(name, want, op, attr=None, pairs=None, **kw):
    """The call fails with an errno of `want`, with a text, and no trace."""
    before = devices()
    # A refused call may have hung up on the server.
    for n, (key, value) in enumerate(pairs or []):
        if isinstance(value, dict) and value.get('fd') == good.fileno():
            pairs[n] = key, dict(value, fd=fresh().fileno())
    try:
        got = f.call(op, pairs, **kw)
    except NetlinkError as e:
        if not ok(e.name in want.split('|'),
                  '%s: %s: %s [%s]' % (name, e.name, e.text, e.attr)):
            diag('wanted: ' + want)
        ok(e.text, name + ': has a text')
        if attr:
            equal(e.attr, attr, name + ': names the attribute')
    else:
        ok(False, name + ': refused')
        diag('got: %r' % (got,))
        if got and op == 'device-add':
            f.call('device-del', index=got['index'], force=True)
    equal(devices(), before, name + ': nothing is left')


def channel(sock, size, flags, **kw):
    fd = sock if isinstance(sock, int) else sock.fileno()
    return dict({'fd': fd, 'size': size, 'flags': flags}, **kw)


def device(chan, **kw):
    pairs = dict({'size': size, 'flags': flags}, **kw)
    chans = chan if isinstance(chan, list) else [chan]
    return [(k.replace('_', '-'), v) for k, v in pairs.items()
            if v is not None] + [('channel', c) for c in chans]


_, size, flags = negotiate(port)
good = None


def fresh():
    """A socket that nobody has refused or hung up yet."""
    global good
    if good:
        good.close()
    good = negotiate(port)[0]
    return good


fresh()

# -- file descriptors
with open('/dev/null', 'rb') as null:
    refused('fd is a file', 'ENOTSOCK', 'device-add', 'fd',
            device(channel(null, size, flags)))
refused('fd is closed', 'EBADF', 'device-add', 'fd',
        device(channel(999, size, flags)))
refused('fd is -1', 'EBADF|EINVAL', 'device-add', 'fd',
        device(channel(-1, size, flags)))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.connect(('127.0.0.1', port))
    refused('fd is UDP', 'ESOCKTNOSUPPORT', 'device-add', 'fd',
            device(channel(udp, size, flags)))
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
refused('fd is a datagram pair', 'ESOCKTNOSUPPORT', 'device-add', 'fd',
        device(channel(a, size, flags)))
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
refused('fd is seqpacket', 'ESOCKTNOSUPPORT', 'device-add', 'fd',
        device(channel(a, size, flags)))
with socket.socket() as s:
    refused('fd is not connected', 'ENOTCONN', 'device-add', 'fd',
            device(channel(s, size, flags)))
with socket.create_server(('127.0.0.1', 0)) as s:
    refused('fd listens', 'ENOTCONN|EINVAL', 'device-add', 'fd',
            device(channel(s, size, flags)))
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as s:
    refused('fd is netlink', 'ESOCKTNOSUPPORT', 'device-add', 'fd',
            device(channel(s, size, flags)))
with socket.socket(socket.AF_UNIX) as s:
    refused('fd is an unconnected Unix socket', 'ENOTCONN', 'device-add', 'fd',
            device(channel(s, size, flags)))
refused('the same fd twice', 'EINVAL|EBUSY|EEXIST', 'device-add', None,
        device([channel(good, size, flags), channel(good, size, flags)]))

# -- missing and mistyped
refused('no channel', 'EINVAL', 'device-add', 'channel', size=size, flags=flags)
refused('no size', 'EINVAL', 'device-add', 'size',
        [('flags', flags), ('channel', channel(good, size, flags))])
refused('no fd', 'EINVAL', 'device-add', 'fd',
        device({'size': size, 'flags': flags}))
refused('size 0', 'EINVAL', 'device-add', 'size',
        device(channel(good, 0, flags), size=0))
refused('size 2^63', 'EINVAL|EFBIG|EOVERFLOW|ERANGE', 'device-add', 'size',
        device(channel(good, 1 << 63, flags), size=1 << 63))
refused('size of 511 bytes', 'EINVAL', 'device-add', 'size',
        device(channel(good, 511, flags), size=511))
refused('size of four bytes', 'EINVAL|ERANGE', 'device-add', 'size',
        device(channel(good, size, flags), size=struct.pack('=I', size)))
refused('channel without a nest in it', 'EINVAL|ERANGE', 'device-add', None,
        device(b'\xff\xff\xff\xff\xff\xff\xff\xff'))
refused('channel of one byte', 'EINVAL|ERANGE', 'device-add', None, device(b'x'))
refused('fd of eight bytes', 'EINVAL|ERANGE', 'device-add', None,
        device({'fd': struct.pack('=Q', 3), 'size': size, 'flags': flags}))
refused('uri too long', 'ERANGE|EINVAL', 'device-add', 'uri',
        device(channel(good, size, flags), uri='nbd://' + 'x' * 2000))
refused('export too long', 'ERANGE|EINVAL', 'device-add', 'export',
        device(channel(good, size, flags), export='x' * 1500))
refused('reply format 77', 'EINVAL|ERANGE', 'device-add', 'reply-format',
        device(dict(channel(good, size, flags), **{'reply-format': 77})))
refused('blocks of 3 bytes', 'EINVAL|ERANGE', 'device-add', 'block-min',
        device(channel(good, size, flags), block_min=3))
refused('blocks of 2^31 bytes', 'EINVAL|ERANGE', 'device-add', None,
        device(channel(good, size, flags), block_min=1 << 31))
refused('largest request below the block', 'EINVAL|ERANGE', 'device-add', None,
        device(channel(good, size, flags), block_min=4096, block_max=512))
refused('queue depth 2^31', 'EINVAL|ERANGE', 'device-add', 'queue-depth',
        device(channel(good, size, flags), queue_depth=1 << 31))
refused('hw queues 2^31', 'EINVAL|ERANGE', 'device-add', 'hw-queues',
        device(channel(good, size, flags), hw_queues=1 << 31))
refused('index 2^31', 'EINVAL|ERANGE|ENOSPC', 'device-add', 'index',
        device(channel(good, size, flags), index=1 << 31))
refused('unknown attribute', 'EINVAL', 'device-add', None,
        device(channel(good, size, flags)) + [('reason', b'x' * 8)])

# -- more than there may be
most = f.consts['max-channels']
many = [channel(negotiate(port)[0].detach(), size, flags)
        for _ in range(most + 1)]
refused('%d channels' % (most + 1), 'ENOSPC|EINVAL|E2BIG', 'device-add', None,
        device(many))
for c in many:
    os.close(c['fd'])

# -- a device to play with
got = f.call('device-add', device(channel(fresh(), size, flags), index=3))
equal(got, {'index': 3, 'name': 'ndd'}, 'a good device')
fresh()
other = negotiate(port)[0]
refused('index in use', 'EEXIST|EBUSY', 'device-add', 'index',
        device(channel(other, size, flags), index=3))


def add(name, want, attr, **kw):
    refused(name, want, 'channel-add', attr,
            [(k.replace('_', '-'), v) for k, v in dict(
                {'device_index': 3, 'fd': other.fileno(), 'size': size,
                 'flags': flags}, **kw).items()])


add('channel of another size', 'EINVAL', 'size', size=size - 512)
add('channel of other flags', 'EINVAL', 'flags', flags=flags ^ 4)
add('channel of no device', 'ENODEV', 'device-index', device_index=4)
add('channel at a live place', 'EEXIST|EBUSY', 'index', index=0)
add('channel at place 1000', 'EINVAL|ERANGE|ENOSPC', 'index', index=1000)
with open('/dev/null', 'rb') as null:
    add('channel of a file', 'ENOTSOCK', 'fd', fd=null.fileno())
refused('channel without a device', 'EINVAL', 'channel-add', 'device-index',
        fd=other.fileno())
refused('delete no channel', 'ENODEV|ENOENT|EINVAL', 'channel-del', 'index',
        [('device-index', 3), ('index', 9)])
refused('get no device', 'ENODEV', 'device-get', 'index', index=4)
refused('get no channel', 'ENODEV|ENOENT', 'channel-get', None,
        [('device-index', 3), ('index', 9)])
refused('get without index', 'EINVAL', 'device-get', 'index', [])
refused('delete no device', 'ENODEV', 'device-del', 'index', index=4)
refused('delete without index', 'EINVAL', 'device-del', 'index', [])
refused('set size 0', 'EINVAL', 'device-set', 'size', index=3, size=0)
refused('set size 2^63', 'EINVAL|EFBIG|EOVERFLOW|ERANGE', 'device-set', 'size',
        index=3, size=1 << 63)
refused('set no device', 'ENODEV', 'device-set', 'index', index=4, size=size)
before = f.call('device-get', index=3)
refused('set a short keepalive with others', 'EINVAL', 'device-set', 'keepalive',
        index=3, size=size - 4096, io_timeout=1234, dead_timeout=5678,
        keepalive=50, replay=2)
equal(f.call('device-get', index=3), before, 'of one change that is refused none is made')
fd = os.open('/dev/ndd', os.O_RDONLY)
refused('delete while open', 'EBUSY', 'device-del', None, index=3)
equal(len(os.pread(fd, 4096, 0)), 4096, 'and it still reads')
os.close(fd)

# as many channels as there may be, and one more
for i in range(1, most):
    s = negotiate(port)[0]
    f.call('channel-add', [('device-index', 3), ('fd', s.fileno()),
                           ('size', size), ('flags', flags)])
    s.close()
equal(len(f.call('channel-get', [('device-index', 3)], dump=True)), most,
      '%d channels' % most)
add('one more channel', 'ENOSPC', None)

# -- unprivileged: nobody may change, everybody may look
other.close()
good.close()
pid = os.fork()
if not pid:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    f.reopen()
    s, _, _ = negotiate(port)
    for op, kw in (('device-add', dict(pairs=device(channel(s, size, flags)))),
                   ('device-del', dict(index=3)),
                   ('device-set', dict(index=3, size=4096)),
                   ('channel-del', dict(pairs=[('device-index', 3),
                                               ('index', 1)])),
                   ('channel-add', dict(pairs=[('device-index', 3),
                                               ('fd', s.fileno()),
                                               ('size', size),
                                               ('flags', flags)]))):
        try:
            f.call(op, **kw)
            ok(False, 'nobody: %s refused' % op)
        except NetlinkError as e:
            equal(e.name, 'EPERM', 'nobody: ' + op)
    equal(devices(), ['ndd'], 'nobody may look')
    os._exit(0)
equal(os.waitpid(pid, 0)[1], 0, 'nobody ends')

f.call('device-del', index=3)
equal(devices(), [], 'deleted')

# The answer to device-add comes when nobody has the disk open any more, the
# reader of its partitions neither.
done = 0
for _ in range(20):
    f.call('device-add', device(channel(fresh(), size, flags), index=0))
    try:
        f.call('device-del', index=0)
        done += 1
    except NetlinkError as e:
        diag(e)
        f.call('device-del', index=0, force=True)
equal(done, 20, 'deleted right after it was made')
END

subtests /usr/bin/python3 "$T/bad.py" "$ENBD_LIB" "$PORT"
back()
{
	[ "$(count_sockets)" -le "$sockets" ]
}
ok "all sockets are given back" wait_for 10 back ||
	diag "$sockets before, $(count_sockets) now"

done_testing
