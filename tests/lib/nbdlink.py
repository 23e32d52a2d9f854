#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""nbd.ko with a dead time, and a new connection for a device that lost its own,
which no tool of it can: the closest that it has to what enbd does.

    nbdlink.py connect PORT SECONDS     /dev/nbd0, waits so long for a connection
    nbdlink.py reconnect PORT           another connection
    nbdlink.py disconnect
"""
import struct
import sys

from nl import Family, NESTED, attribute, negotiate

CONNECT, DISCONNECT, RECONFIGURE = 1, 2, 3
INDEX, SIZE, BLOCK, SERVER_FLAGS, SOCKETS, DEAD = 1, 2, 3, 5, 7, 8


def nest(kind, payload):
    return attribute(kind | NESTED, payload)


def sockets(sock):
    return nest(SOCKETS, nest(1, attribute(1, struct.pack('=I', sock.fileno()))))


def main(verb, port=0, dead=0):
    family = Family()
    number = family.find('nbd')
    payload = attribute(INDEX, struct.pack('=I', 0))
    if verb == 'connect':
        sock, size, flags = negotiate(int(port))
        payload += attribute(SIZE, struct.pack('=Q', size)) + \
            attribute(BLOCK, struct.pack('=Q', 512)) + \
            attribute(SERVER_FLAGS, struct.pack('=Q', flags)) + \
            attribute(DEAD, struct.pack('=Q', int(dead))) + sockets(sock)
        family.raw(number, CONNECT, payload)
    elif verb == 'reconnect':
        sock, _, _ = negotiate(int(port))
        family.raw(number, RECONFIGURE, payload + sockets(sock))
    else:
        family.raw(number, DISCONNECT, payload)


main(*sys.argv[1:])
