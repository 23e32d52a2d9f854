# SPDX-License-Identifier: GPL-2.0
"""The enbd netlink family by hand, so that tests can say what no tool would.

Numbers of attributes and commands come from Documentation/netlink/specs, not
from the header made of it: a driver that does not follow its specification
fails here.

    family = Family()
    reply = family.call('device-add', index=0, size=1 << 20, ...)

Attributes are given by name; a value is encoded as the specification says
unless it is bytes, which go out as they are (for wrong types and lengths).
A list of pairs instead of keywords allows repeated attributes. A failure is a
NetlinkError with .errno, .text (extack) and .attr (name of the attribute).
"""
import errno
import os
import socket
import struct

import yaml

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = os.path.join(TREE, 'Documentation/netlink/specs/enbd.yaml')

NETLINK_GENERIC, SOL_NETLINK = 16, 270
ADD_MEMBERSHIP, CAP_ACK, EXT_ACK = 1, 10, 11
NLMSG_ERROR, NLMSG_DONE = 2, 3
F_REQUEST, F_MULTI, F_ACK, F_DUMP = 1, 2, 4, 0x300
F_CAPPED, F_ACK_TLVS = 0x100, 0x200
NESTED = 0x8000
GENL_ID_CTRL, CTRL_GETFAMILY = 16, 3


class NetlinkError(Exception):
    def __init__(self, num, text, attr):
        self.errno, self.text, self.attr = num, text, attr
        self.name = errno.errorcode.get(num, str(num))
        super().__init__('%s: %s [%s]' % (self.name, text, attr))


def pad(data):
    return data + bytes(-len(data) % 4)


def attribute(kind, payload):
    return pad(struct.pack('=HH', len(payload) + 4, kind) + payload)


def attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from('=HH', data)
        if length < 4 or length > len(data):
            raise ValueError('attribute length %d' % length)
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


class Set:
    """One attribute-set of the specification."""

    def __init__(self, spec):
        self.name = spec['name']
        self.by_name, self.by_number = {}, {}
        for number, a in enumerate(spec['attributes'], 1):
            number = a.get('value', number)
            self.by_name[a['name']] = (number, a)
            self.by_number[number] = a


class Family:
    def __init__(self):
        with open(SPEC, encoding='utf-8') as f:
            spec = yaml.safe_load(f)
        self.sets = {}
        for s in spec['attribute-sets']:
            # A subset has its parent's numbers and types.
            parent = self.sets.get(s.get('subset-of'))
            self.sets[s['name']] = parent or Set(s)
        self.enums = {d['name']: [e['name'] for e in d['entries']]
                      for d in spec['definitions'] if d['type'] == 'enum'}
        self.consts = {d['name']: d['value'] for d in spec['definitions']
                       if d['type'] == 'const'}
        self.ops, self.op_names = {}, {}
        for number, op in enumerate(spec['operations']['list'], 1):
            number = op.get('value', number)
            self.ops[op['name']] = (number, self.sets[op['attribute-set']])
            self.op_names[number] = (op['name'], self.sets[op['attribute-set']])
        self.sock = None
        self.seq = 0
        self.reopen()
        self.last = b''
        self.groups = {}
        self.id = self.find(spec['name'])

    def reopen(self):
        """A fresh socket: nothing of an earlier call can be answered on it."""
        if self.sock:
            self.sock.close()
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_GENERIC)
        self.sock.bind((0, 0))
        for opt in (CAP_ACK, EXT_ACK):
            self.sock.setsockopt(SOL_NETLINK, opt, 1)

    def find(self, name):
        payload = self.raw(GENL_ID_CTRL, CTRL_GETFAMILY,
                           attribute(2, name.encode() + b'\0'))[0]
        number = None
        for kind, value in attributes(payload):
            if kind == 1:
                number, = struct.unpack('=H', value)
            elif kind == 7:
                for _, group in attributes(value):
                    g = dict(attributes(group))
                    self.groups[g[1].rstrip(b'\0').decode()] = \
                        struct.unpack('=I', g[2])[0]
        return number

    def join(self, group='events'):
        self.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, self.groups[group])

    # -- encoding by the specification

    def encode(self, aset, pairs):
        out = b''
        for name, value in pairs:
            number, a = aset.by_name[name]
            kind = a['type']
            if isinstance(value, bytes):
                payload = value
            elif kind == 'flag':
                payload = b''
            elif kind == 'string':
                payload = value.encode() + b'\0'
            elif kind == 'nest':
                number |= NESTED
                payload = self.encode(self.sets[a['nested-attributes']],
                                      value.items() if isinstance(value, dict)
                                      else value)
            else:
                payload = struct.pack({'u8': '=B', 'u16': '=H', 'u32': '=I',
                                       'u64': '=Q', 's32': '=i'}[kind], value)
            out += attribute(number, payload)
        return out

    def decode(self, aset, data):
        out = {}
        for number, value in attributes(data):
            a = aset.by_number.get(number)
            if a is None:
                continue
            kind = a['type']
            if kind == 'flag':
                value = True
            elif kind == 'string':
                value = value.rstrip(b'\0').decode()
            elif kind == 'nest':
                value = self.decode(self.sets[a['nested-attributes']], value)
            elif kind in ('u8', 'u16', 'u32', 'u64', 's32'):
                value, = struct.unpack({'u8': '=B', 'u16': '=H', 'u32': '=I',
                                        'u64': '=Q', 's32': '=i'}[kind], value)
                if 'enum' in a:
                    value = self.enums[a['enum']][value]
            if a.get('multi-attr'):
                out.setdefault(a['name'], []).append(value)
            else:
                out[a['name']] = value
        return out

    # -- calling

    def raw(self, family, cmd, payload, flags=F_ACK, version=1, aset=None):
        """Payloads of all answers to one message."""
        self.seq += 1
        msg = struct.pack('=BBH', cmd, version, 0) + payload
        self.sock.sendto(struct.pack('=IHHII', len(msg) + 16, family,
                                     F_REQUEST | flags, self.seq, 0) + msg,
                         (0, 0))
        answers = []
        while True:
            data = self.sock.recv(1 << 20)
            while data:
                length, kind, mflags, seq, _ = struct.unpack_from('=IHHII', data)
                body, data = data[16:length], data[(length + 3) & ~3:]
                if seq != self.seq:
                    continue            # an event
                if kind == NLMSG_DONE:
                    return answers
                if kind == NLMSG_ERROR:
                    self.error(body, mflags, aset)
                    return answers
                answers.append(body[4:])

    def error(self, body, mflags, aset):
        num, = struct.unpack_from('=i', body)
        if not num:
            return
        text, attr, missing, nest = '', None, None, None
        missing, within = None, aset
        if mflags & F_ACK_TLVS:
            skip = 16
            if not mflags & F_CAPPED:
                skip = (struct.unpack_from('=I', body, 4)[0] + 3) & ~3
            for kind, value in attributes(body[4 + skip:]):
                if kind == 1:
                    text = value.rstrip(b'\0').decode()
                elif kind == 2 and aset:
                    offset, = struct.unpack('=I', value)
                    attr = self.attr_at(aset, self.last, offset - 20)
                elif kind == 5 and aset:        # NLMSGERR_ATTR_MISS_TYPE
                    missing, = struct.unpack('=I', value)
                elif kind == 6 and aset:        # NLMSGERR_ATTR_MISS_NEST
                    offset, = struct.unpack('=I', value)
                    nest = self.attr_at(aset, self.last, offset - 20)
                    within = self.sets[aset.by_name[nest][1]['nested-attributes']]
            if missing is not None:
                attr = within.by_number[missing]['name']
        raise NetlinkError(-num, text, attr)

    def attr_at(self, aset, data, offset):
        """Name of the attribute at an offset of a message's attributes."""
        at = 0
        while at + 4 <= len(data):
            length, number = struct.unpack_from('=HH', data, at)
            a = aset.by_number.get(number & 0x3fff, {'name': '?', 'type': ''})
            if at == offset:
                return a['name']
            if at < offset < at + length and a['type'] == 'nest':
                return self.attr_at(self.sets[a['nested-attributes']],
                                    data[at + 4:at + length], offset - at - 4)
            at += max(4, length + 3 & ~3)
        return '?'

    def call(self, op, pairs=None, dump=False, **kw):
        """One request; the decoded answer (a list of them for a dump)."""
        number, aset = self.ops[op]
        if pairs is None:
            pairs = [(k.replace('_', '-'), v) for k, v in kw.items()
                     if v is not None]
        self.last = self.encode(aset, pairs)
        got = [self.decode(aset, a) for a in
               self.raw(self.id, number, self.last, F_DUMP if dump else F_ACK,
                        aset=aset)]
        if dump:
            return got
        return got[0] if got else None

    def event(self, timeout):
        """The next event as (operation, attributes), None at the deadline."""
        self.sock.settimeout(timeout)
        try:
            while True:
                data = self.sock.recv(1 << 20)
                _, kind, _, _, _ = struct.unpack_from('=IHHII', data)
                if kind == self.id:
                    name, aset = self.op_names[data[16]]
                    return name, self.decode(aset, data[20:])
        except TimeoutError:
            return None
        finally:
            self.sock.settimeout(None)


# ------------------------------------------------------------------ NBD client

IHAVEOPT = 0x49484156454f5054


def recv_all(sock, n):
    buf = b''
    while len(buf) < n:
        piece = sock.recv(n - len(buf))
        if not piece:
            raise EOFError('the server closed the connection')
        buf += piece
    return buf


def negotiate(port, export=b'', host='127.0.0.1', structured=False):
    """(socket, size, flags) of a connection ready for transmission."""
    s = socket.create_connection((host, port))
    recv_all(s, 18)
    s.sendall(struct.pack('>I', 3))
    if structured:
        s.sendall(struct.pack('>QII', IHAVEOPT, 8, 0))
        _, _, kind, length = struct.unpack('>QIII', recv_all(s, 20))
        recv_all(s, length)
        assert kind == 1, 'structured replies refused'
    s.sendall(struct.pack('>QIII', IHAVEOPT, 7, len(export) + 6, len(export)) +
              export + struct.pack('>H', 0))
    size = flags = None
    while True:
        _, _, kind, length = struct.unpack('>QIII', recv_all(s, 20))
        body = recv_all(s, length)
        if kind == 1:
            return s, size, flags
        assert kind == 3, 'option reply %#x' % kind
        if struct.unpack_from('>H', body)[0] == 0:
            size, flags = struct.unpack_from('>QH', body, 2)
