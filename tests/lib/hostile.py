#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""An NBD server that does one thing wrong.

    hostile.py --port-file F [--size N] [--at OFFSET] [--times N] MODE...

Modes of the transmission phase shake hands correctly and answer correctly
until a request for offset --at arrives (a write for the modes that begin with
write-, a flush for flush-silence, which wants --at 0, a read for the others);
then they misbehave, --times times. Modes of the handshake never get so far.
"hostile.py --list KIND" prints the modes of a kind (handshake, dies, fails,
works) for tests to loop over; several modes in one process have a port each, and
F a line "MODE PORT" for each: after "dies" the channel must be lost, after
"fails" only the request fails, and after "works" nothing is wrong at all, which
proves that the server can do right.

The disk is read from a pattern (the number of the 8-byte word), writes are kept.
"""
import argparse
import socket
import struct
import sys
import threading
import time

NBDMAGIC = 0x4e42444d41474943
IHAVEOPT = 0x49484156454f5054
OLDSTYLE = 0x00420281861253
REP_MAGIC = 0x0003e889045565a9
OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_INFO, OPT_GO, OPT_SR = 1, 2, 3, 6, 7, 8
OPT_LIST_META, OPT_SET_META = 9, 10
REP_ACK, REP_SERVER, REP_INFO = 1, 2, 3
REP_ERR_UNSUP, REP_ERR_UNKNOWN, REP_ERR_TLS = (1 << 31) + 1, (1 << 31) + 6, (1 << 31) + 5
INFO_EXPORT, INFO_BLOCK_SIZE = 0, 3
REQUEST, SIMPLE, CHUNK = 0x25609513, 0x67446698, 0x668e33ef
READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES = range(7)
DONE = 1
NONE, DATA, HOLE, ERROR, ERROR_OFFSET = 0, 1, 2, 32769, 32770
FLAGS = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8
EIO = 5

HANDSHAKE = {}
DIES = {}
FAILS = {}
WORKS = {}
FLUSHES = {}


def mode(kind):
    def add(func):
        kind[func.__name__.replace('_', '-')] = func
        return func
    return add


class Gone(Exception):
    """The client closed the connection."""


class Conn:
    """One connection: `disk` is shared, the rest its own."""

    def __init__(self, sock, server):
        self.sock, self.server = sock, server
        self.structured = False

    def recv(self, n):
        buf = bytearray()
        while len(buf) < n:
            piece = self.sock.recv(n - len(buf))
            if not piece:
                raise Gone()
            buf += piece
        return bytes(buf)

    def send(self, data):
        self.sock.sendall(data)

    def simple(self, cookie, error=0, data=b''):
        self.send(struct.pack('>IIQ', SIMPLE, error, cookie) + data)

    def chunk(self, cookie, kind, payload=b'', flags=0, length=None):
        length = len(payload) if length is None else length
        self.send(struct.pack('>IHHQI', CHUNK, flags, kind, cookie, length) +
                  payload)

    def data(self, cookie, offset, length, flags=0):
        self.chunk(cookie, DATA, struct.pack('>Q', offset) +
                   self.server.disk[offset:offset + length], flags)

    def wait_end(self):
        """Says nothing more until the client closes."""
        while self.sock.recv(65536):
            pass
        raise Gone()

    # -- handshake

    def greet(self, flags=3):
        self.send(struct.pack('>QQH', NBDMAGIC, IHAVEOPT, flags))
        return self.recv(4)

    def option(self):
        magic, opt, length = struct.unpack('>QII', self.recv(16))
        assert magic == IHAVEOPT, 'option magic'
        return opt, self.recv(length)

    def reply(self, opt, kind, payload=b'', magic=REP_MAGIC, length=None):
        length = len(payload) if length is None else length
        self.send(struct.pack('>QIII', magic, opt, kind, length) + payload)

    def handshake(self, until=None):
        """Correct. Stops before answering GO or INFO if until == 'go', so
        that a mode can answer it wrong; returns that option."""
        self.greet()
        allow = self.server.mode != 'structured-unasked'
        while True:
            opt, _payload = self.option()
            if opt in (OPT_GO, OPT_INFO):
                if until == 'go':
                    return opt
                self.reply(opt, REP_INFO, self.export_info())
                if self.server.blocks:
                    self.reply(opt, REP_INFO, struct.pack(
                        '>HIII', INFO_BLOCK_SIZE, *self.server.blocks))
                self.reply(opt, REP_ACK)
                if opt == OPT_GO:
                    return opt
            elif opt == OPT_SR and allow:
                self.structured = True
                self.reply(opt, REP_ACK)
            elif opt == OPT_LIST:
                self.reply(opt, REP_SERVER, struct.pack('>I', 0))
                self.reply(opt, REP_ACK)
            elif opt == OPT_ABORT:
                self.reply(opt, REP_ACK)
                raise Gone()
            elif opt == OPT_EXPORT_NAME:
                if until == 'go':
                    return opt
                self.send(struct.pack('>QH', self.server.size, self.server.flags))
                return opt
            else:
                self.reply(opt, REP_ERR_UNSUP)

    def export_info(self):
        return struct.pack('>HQH', INFO_EXPORT, self.server.size,
                           self.server.flags)

    # -- transmission

    def serve(self):
        while True:
            magic, flags, cmd, cookie, offset, length = struct.unpack(
                '>IHHQQI', self.recv(28))
            assert magic == REQUEST, 'request magic'
            data = self.recv(length) if cmd == WRITE else None
            if cmd == DISC:
                return
            if cmd == WRITE:
                self.server.disk[offset:offset + length] = data
            if self.server.triggered(cmd, offset):
                self.server.act(self, cmd, cookie, offset, length)
            else:
                self.right(cmd, cookie, offset, length)

    def right(self, cmd, cookie, offset, length):
        if cmd != READ:
            self.simple(cookie)
        elif self.structured:
            self.data(cookie, offset, length, DONE)
        else:
            self.simple(cookie, 0, self.server.disk[offset:offset + length])


# ------------------------------------------------ transmission: channel dies

@mode(DIES)
def bad_magic(c, _cmd, cookie, _offset, length):
    c.send(struct.pack('>IIQ', 0xdeadbeef, 0, cookie) + bytes(length))


@mode(DIES)
def unknown_cookie(c, cmd, cookie, offset, length):
    c.right(cmd, cookie ^ 0xa5a5a5a5a5a5a5a5, offset, length)


@mode(DIES)
def next_cookie(c, cmd, cookie, offset, length):
    """A cookie that may look like a neighbour's."""
    c.right(cmd, cookie ^ 1, offset, length)


@mode(DIES)
def cookie_bit_32(c, cmd, cookie, offset, length):
    c.right(cmd, cookie ^ 1 << 32, offset, length)


@mode(DIES)
def cookie_bit_63(c, cmd, cookie, offset, length):
    c.right(cmd, cookie ^ 1 << 63, offset, length)


@mode(DIES)
def answer_twice(c, cmd, cookie, offset, length):
    c.right(cmd, cookie, offset, length)
    c.right(cmd, cookie, offset, length)


@mode(DIES)
def beyond(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length + 512, DONE)


@mode(DIES)
def beyond_second(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length // 2)
    c.data(cookie, offset + length // 2, length, DONE)


@mode(DIES)
def before(c, _cmd, cookie, offset, length):
    c.data(cookie, offset - 512, length, DONE)


@mode(DIES)
def far_away(c, _cmd, cookie, offset, length):
    c.chunk(cookie, DATA, struct.pack('>Q', (1 << 64) - 512) + bytes(length),
            DONE)


@mode(DIES)
def overlap(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length - 512)
    c.data(cookie, offset + 512, length - 512, DONE)


@mode(DIES)
def gap(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length // 2, DONE)


@mode(DIES)
def gap_in_the_middle(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, 512)
    c.data(cookie, offset + length - 512, 512, DONE)


@mode(DIES)
def same_twice(c, _cmd, cookie, offset, length):
    """The bytes add up to the request, but half of it is missing."""
    c.data(cookie, offset, length // 2)
    c.data(cookie, offset, length // 2, DONE)


@mode(DIES)
def nothing(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, NONE, flags=DONE)


@mode(DIES)
def none_with_payload(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, NONE, bytes(64), DONE)


@mode(DIES)
def unknown_chunk(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, 42, bytes(16), DONE)


@mode(DIES)
def block_status_chunk(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, 5, bytes(12), DONE)


@mode(DIES)
def data_too_short(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, DATA, bytes(4), DONE)


@mode(DIES)
def data_4g(c, _cmd, cookie, offset, length):
    c.chunk(cookie, DATA, struct.pack('>Q', offset) + bytes(length), DONE,
            length=0xffffffff)
    c.wait_end()


@mode(DIES)
def hole_beyond(c, _cmd, cookie, offset, length):
    c.chunk(cookie, HOLE, struct.pack('>QI', offset, length + 4096), DONE)


@mode(DIES)
def hole_wrong_length(c, _cmd, cookie, offset, length):
    c.chunk(cookie, HOLE, struct.pack('>QQ', offset, length), DONE)


@mode(DIES)
def hole_wraps(c, _cmd, cookie, offset, _length):
    c.chunk(cookie, HOLE, struct.pack('>QI', offset, 0xfffffe00), DONE)


@mode(DIES)
def error_too_short(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, bytes(3), DONE)


@mode(DIES)
def error_4g(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 65535) + bytes(1024), DONE,
            length=0xfffffff0)
    c.wait_end()


@mode(DIES)
def error_message_lies(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 60000) + b'short', DONE)


@mode(DIES)
def endless_data(c, _cmd, cookie, offset, length):
    while True:
        c.data(cookie, offset, length)


@mode(DIES)
def endless_errors(c, _cmd, cookie, _offset, _length):
    while True:
        c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 0))
        time.sleep(0.01)


@mode(DIES)
def structured_unasked(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length, DONE)


@mode(DIES)
def half_and_silence(c, _cmd, cookie, offset, length):
    c.chunk(cookie, DATA, struct.pack('>Q', offset) + bytes(length // 2), DONE,
            length=length + 8)
    c.wait_end()


@mode(DIES)
def half_header(c, _cmd, _cookie, _offset, _length):
    c.send(struct.pack('>I', CHUNK))
    c.wait_end()


@mode(DIES)
def half_and_close(c, _cmd, cookie, offset, length):
    c.chunk(cookie, DATA, struct.pack('>Q', offset) + bytes(length // 2), DONE,
            length=length + 8)
    raise Gone()


@mode(DIES)
def silence(c, _cmd, _cookie, _offset, _length):
    c.wait_end()


@mode(DIES)
def close(_c, _cmd, _cookie, _offset, _length):
    raise Gone()


@mode(DIES)
def write_answered_with_data(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length, DONE)


@mode(DIES)
def write_answered_with_hole(c, _cmd, cookie, offset, length):
    c.chunk(cookie, HOLE, struct.pack('>QI', offset, length), DONE)


# ------------------------------------------------ a flush, and then nothing

@mode(FLUSHES)
def flush_silence(c, _cmd, _cookie, _offset, _length):
    c.wait_end()


# ------------------------------------------------ only the request fails

@mode(FAILS)
def error_then_none(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 2) + b'no')
    c.chunk(cookie, NONE, flags=DONE)


@mode(FAILS)
def data_then_error(c, _cmd, cookie, offset, length):
    c.data(cookie, offset, length // 2)
    c.chunk(cookie, ERROR_OFFSET,
            struct.pack('>IHQ', EIO, 0, offset + length // 2), DONE)


@mode(FAILS)
def unknown_error(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', 4711, 0), DONE)


@mode(FAILS)
def unknown_error_type(c, _cmd, cookie, _offset, _length):
    """Unknown types with the error bit are errors, says the specification."""
    c.chunk(cookie, 0x8000 + 77, struct.pack('>IH', EIO, 0), DONE)


@mode(FAILS)
def error_long_message(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 4096) + b'%n' * 2048, DONE)


@mode(FAILS)
def simple_error(c, _cmd, cookie, _offset, _length):
    c.chunk(cookie, ERROR, struct.pack('>IH', EIO, 0), DONE)


# ------------------------------------------------ nothing wrong

@mode(WORKS)
def right(c, cmd, cookie, offset, length):
    c.right(cmd, cookie, offset, length)


@mode(WORKS)
def chunks_backwards(c, _cmd, cookie, offset, length):
    for at in range(offset + length - 512, offset - 1, -512):
        c.data(cookie, at, 512)
    c.chunk(cookie, NONE, flags=DONE)


@mode(WORKS)
def byte_by_byte(c, _cmd, cookie, offset, length):
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = struct.pack('>IHHQIQ', CHUNK, DONE, DATA, cookie, length + 8,
                       offset) + c.server.disk[offset:offset + length]
    for i in range(600):
        c.send(data[i:i + 1])
    c.send(data[600:])


# ------------------------------------------------ handshake

@mode(HANDSHAKE)
def garbage(c):
    c.send(bytes(range(256)) * 4)
    c.wait_end()


@mode(HANDSHAKE)
def http(c):
    c.send(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')


@mode(HANDSHAKE)
def oldstyle(c):
    c.send(struct.pack('>QQQI', NBDMAGIC, OLDSTYLE, c.server.size, 1) +
           bytes(124))
    c.wait_end()


@mode(HANDSHAKE)
def mute(c):
    c.wait_end()


@mode(HANDSHAKE)
def drip(c):
    while True:
        for b in struct.pack('>QQH', NBDMAGIC, IHAVEOPT, 3)[:-1]:
            c.send(bytes([b]))
            time.sleep(2)
        c.wait_end()


@mode(HANDSHAKE)
def hang_up(c):
    c.greet()


@mode(HANDSHAKE)
def not_fixed(c):
    c.greet(0)
    c.wait_end()


@mode(HANDSHAKE)
def option_4g(c):
    c.greet()
    opt, _ = c.option()
    c.reply(opt, REP_INFO, b'x' * 4096, length=0xffffffff)
    while True:
        c.send(b'x' * 65536)


@mode(HANDSHAKE)
def error_text_4g(c):
    c.greet()
    opt, _ = c.option()
    c.reply(opt, REP_ERR_UNKNOWN, b'x' * 4096, length=0xfffffff0)
    while True:
        c.send(b'x' * 65536)


@mode(HANDSHAKE)
def option_magic(c):
    c.greet()
    opt, _ = c.option()
    c.reply(opt, REP_ACK, magic=0x1122334455667788)
    c.wait_end()


@mode(HANDSHAKE)
def other_option(c):
    c.greet()
    opt, _ = c.option()
    c.reply(opt + 77, REP_ACK)
    c.wait_end()


@mode(HANDSHAKE)
def unknown_export(c):
    opt = c.handshake('go')
    c.reply(opt, REP_ERR_UNKNOWN, b'no such export')
    c.wait_end()


@mode(HANDSHAKE)
def wants_tls(c):
    c.greet()
    while True:
        opt, _ = c.option()
        c.reply(opt, REP_ERR_TLS)


@mode(HANDSHAKE)
def no_size(c):
    opt = c.handshake('go')
    c.reply(opt, REP_ACK)
    c.wait_end()


@mode(HANDSHAKE)
def short_info(c):
    opt = c.handshake('go')
    c.reply(opt, REP_INFO, struct.pack('>HI', INFO_EXPORT, 1))
    c.reply(opt, REP_ACK)
    c.wait_end()


@mode(HANDSHAKE)
def endless_info(c):
    opt = c.handshake('go')
    while True:
        c.reply(opt, REP_INFO, c.export_info())


def with_size(size):
    def run(c):
        c.server.size = size
        c.handshake()
        c.wait_end()
    return run


HANDSHAKE['size-0'] = with_size(0)
HANDSHAKE['size-2-63'] = with_size(1 << 63)
HANDSHAKE['size-all-ones'] = with_size((1 << 64) - 1)


def with_blocks(*blocks):
    def run(c):
        c.server.blocks = blocks
        c.handshake()
        c.wait_end()
    return run


HANDSHAKE['block-min-3'] = with_blocks(3, 4096, 1 << 20)
HANDSHAKE['block-min-above-pref'] = with_blocks(65536, 4096, 1 << 20)
HANDSHAKE['block-max-0'] = with_blocks(512, 4096, 0)
HANDSHAKE['block-min-0'] = with_blocks(0, 0, 0)

KINDS = {'handshake': HANDSHAKE, 'dies': DIES, 'fails': FAILS, 'works': WORKS}


class Server:
    def __init__(self, mode_name, args):
        self.mode, self.at, self.times = mode_name, args.at, args.times
        self.size, self.flags = args.size, args.flags
        self.blocks = None
        self.disk = bytearray(args.pattern)
        self.lock = threading.Lock()
        self.act = None
        for kind in (DIES, FAILS, WORKS, FLUSHES):
            self.act = kind.get(self.mode, self.act)
        self.shake = HANDSHAKE.get(self.mode)
        if not self.act and not self.shake:
            sys.exit('hostile.py: no mode ' + self.mode)

    def triggered(self, cmd, offset):
        want = {'write': WRITE, 'flush': FLUSH}.get(self.mode.split('-')[0], READ)
        with self.lock:
            if cmd != want or offset != self.at or self.times == 0:
                return False
            self.times -= 1
            return True

    def connection(self, sock):
        c = Conn(sock, self)
        try:
            with sock:
                if self.shake:
                    self.shake(c)
                else:
                    c.handshake()
                    c.serve()
        except (Gone, OSError):
            pass


def listen(server, listener):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=server.connection, args=(sock,),
                         daemon=True).start()


def main():
    if sys.argv[1:2] == ['--list']:
        print(*KINDS[sys.argv[2]])
        return
    ap = argparse.ArgumentParser()
    ap.add_argument('--port-file', required=True)
    ap.add_argument('--size', type=int, default=2 << 20)
    ap.add_argument('--at', type=int, default=1 << 20)
    ap.add_argument('--times', type=int, default=1)
    ap.add_argument('--flags', type=int, default=FLAGS,
                    help='transmission flags')
    ap.add_argument('mode', nargs='+')
    args = ap.parse_args()
    words = args.size // 8
    args.pattern = struct.pack('>%dQ' % words, *range(words))
    ports = ''
    for name in args.mode:
        server = Server(name, args)
        listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        ports += '%s %d\n' % (name, listener.getsockname()[1])
        threading.Thread(target=listen, args=(server, listener)).start()
    with open(args.port_file, 'w', encoding='ascii') as f:
        f.write(ports)


if __name__ == '__main__':
    main()
