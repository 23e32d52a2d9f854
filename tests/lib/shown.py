#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Channels whose server has shown what a test says, whatever server it is.

The driver is told signature and verifier by whoever negotiated, so any server
will do. Both are given as one letter, which stands for 32 of them, or "-" for
none; features as a number.

    shown.py add PORT FEATURES SIGNATURE VERIFIER [pin=S] [NAME=NUMBER...]
    shown.py channel DEVICE PORT FEATURES SIGNATURE VERIFIER [hold=CONTROL]
    shown.py lost DEVICE        OFFSET+LENGTH of every range, one a line
    shown.py accept DEVICE
    shown.py get DEVICE         names and values of its attributes
    shown.py channels DEVICE    the same of its channels
    shown.py events             what comes, until it is killed

With the control port of proxy.py nothing that the driver says on the channel
arrives. DEVICE is its number. A refusal is told as "ERRNO: text [attribute]", status 1.
"""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nl import Family, NetlinkError, negotiate


def word(letter):
    return None if letter == '-' else letter.encode() * 32


def channel(port, features, signature, verifier):
    sock, size, flags = negotiate(int(port))
    return sock, [(k, v) for k, v in (
        ('fd', sock.fileno()), ('size', size), ('flags', flags),
        ('features', int(features)), ('signature', word(signature)),
        ('verifier', word(verifier))) if v is not None]


def add(port, features, signature, verifier, *rest):
    sock, ch = channel(port, features, signature, verifier)
    values = dict(ch)
    pairs = [('size', values['size']), ('flags', values['flags']),
             ('session-id', bytes(range(16)))]
    for arg in rest:
        name, value = arg.split('=')
        pairs.append(('signature', word(value)) if name == 'pin' else
                     (name, int(value)))
    print(f.call('device-add', pairs + [('channel', dict(ch))])['name'])


def hold(control, sock):
    with socket.create_connection(('127.0.0.1', int(control))) as c:
        c.sendall(b'hold %d up\n' % sock.getsockname()[1])
        if not c.recv(100).startswith(b'ok'):
            sys.exit('shown.py: the proxy does not hold')


def add_channel(device, port, features, signature, verifier, *rest):
    sock, ch = channel(port, features, signature, verifier)
    for arg in rest:
        hold(arg.split('=')[1], sock)
    place = f.call('channel-reserve', device_index=int(device))
    f.call('channel-add', ch + [(k, place[k]) for k in
                                ('device-index', 'index', 'incarnation')])


def lost(device):
    for r in f.call('lost-get', dump=True, device_index=int(device)):
        print('%d+%d' % (r['offset'], r['length']))


def show(attributes):
    for name, value in sorted(attributes.items()):
        print(name, value)


def events():
    f.join()
    print('listening', flush=True)
    while True:
        op, a = f.event(None)
        print(op, a.get('event'), a.get('state', '-'), a.get('reason', ''),
              flush=True)


f = Family()
verb, args = sys.argv[1], sys.argv[2:]
try:
    if verb == 'add':
        add(*args)
    elif verb == 'channel':
        add_channel(*args)
    elif verb == 'lost':
        lost(*args)
    elif verb == 'accept':
        f.call('device-accept', index=int(args[0]))
    elif verb == 'get':
        show(f.call('device-get', index=int(args[0])))
    elif verb == 'channels':
        for c in f.call('channel-get', dump=True, device_index=int(args[0])):
            show(c)
    elif verb == 'events':
        events()
    else:
        sys.exit('shown.py: what is %s?' % verb)
except NetlinkError as e:
    print(e)
    sys.exit(1)
