#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A server that speaks the extension, and does what a file tells it to.

    hostile_enbd.py --port-file F --policy FILE --log FILE [--size N] [--rcvbuf N]

FILE has words; each is looked up when the thing that it is about happens:

    fence=answer|wait|error:N|garbage|status    what a FENCE is answered with;
                                                "wait" answers once it changes
    keepalive=answer|never|error:N|none|short   the same for a KEEPALIVE;
              early                             first with a number from before
                                                the first
    write=answer|lose|wait|early                "lose" closes without an answer,
                                                "early" answers before it reads
                                                the data, and goes on when that
                                                changes; write.N is for channel N
    signature=HH                                byte that the signature is of
    size=N                                      what a KEEPALIVE says

The log has a line for each: "bind CHANNEL INCARNATION", "fence CHANNEL
INCARNATION", "fenced" when it was answered, "write OFFSET CHANNEL", "keepalive".
"""
import argparse
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile  # noqa: E402
from hostile import (Conn, DISC, DONE, Gone, NONE, OPT_ABORT, OPT_GO, OPT_INFO,  # noqa: E402
                     OPT_LIST_META, OPT_SR, READ, REP_ACK, REP_ERR_UNSUP, REP_INFO, WRITE)

OPT_HELLO, OPT_BIND, OPT_FENCE = 0x454e4201, 0x454e4202, 0x454e4203
REP_META = 4
MAGIC = 0x454e4244
FENCE, KEEPALIVE, STATUS = 0x4501, 0x4502, 0x4501
FEATURES = 7
CHALLENGE = b'challenge of 16b'


class Enbd(Conn):
    def __init__(self, sock, server):
        super().__init__(sock, server)
        self.channel = None
        self.early = False
        self.lock = threading.Lock()

    def send(self, data):
        with self.lock:
            self.sock.sendall(data)

    def hello(self, opt):
        s = self.server
        sign = bytes([int(s.policy('signature', '5a'), 16)]) * 32
        self.reply(opt, OPT_HELLO, struct.pack('>IHHI', MAGIC, 1, 0, FEATURES) +
                   sign + bytes(32) + CHALLENGE)
        self.reply(opt, REP_ACK)

    def handshake(self, until=None):
        self.greet()
        while True:
            opt, payload = self.option()
            if opt == OPT_SR:
                self.structured = True
                self.reply(opt, REP_ACK)
            elif opt == OPT_LIST_META:
                self.reply(opt, REP_META, struct.pack('>I', 0) + b'x-enbd:v1')
                self.reply(opt, REP_ACK)
            elif opt == OPT_HELLO:
                self.hello(opt)
            elif opt == OPT_BIND:
                self.channel, incarnation = struct.unpack('>II', payload[-8:])
                self.server.note('bind %d %d' % (self.channel, incarnation))
                self.reply(opt, REP_ACK)
            elif opt == OPT_FENCE:
                self.reply(opt, REP_ACK)
            elif opt in (OPT_GO, OPT_INFO):
                self.reply(opt, REP_INFO, self.export_info())
                self.reply(opt, REP_ACK)
                if opt == OPT_GO:
                    return opt
            elif opt == OPT_ABORT:
                self.reply(opt, REP_ACK)
                raise Gone()
            else:
                self.reply(opt, REP_ERR_UNSUP)

    def serve(self):
        while True:
            magic, _flags, cmd, cookie, offset, length = struct.unpack(
                '>IHHQQI', self.recv(28))
            assert magic == hostile.REQUEST, 'request magic'
            if cmd == DISC:
                return
            if cmd == FENCE:
                self.server.note('fence %d %d' % (offset >> 32, offset & 0xffffffff))
                threading.Thread(target=self.fence, args=(cookie,), daemon=True).start()
            elif cmd == KEEPALIVE:
                self.server.note('keepalive')
                self.keepalive(cookie)
            elif cmd == WRITE:
                self.write(cookie, offset, length)
            elif cmd == READ:
                self.data(cookie, offset, length, DONE)
            else:
                self.simple(cookie)

    def writing(self):
        return self.server.policy('write.%s' % self.channel,
                                  self.server.policy('write', 'answer'))

    def write(self, cookie, offset, length):
        if self.writing() == 'early':
            self.simple(cookie)
            while self.writing() == 'early':
                time.sleep(0.02)
            raise Gone()
        data = self.recv(length)
        while self.writing() == 'wait':
            time.sleep(0.02)
        if self.writing() == 'lose':
            raise Gone()
        self.server.note('write %d %s' % (offset, self.channel))
        self.server.disk[offset:offset + len(data)] = data
        self.simple(cookie)

    def fence(self, cookie):
        while True:
            what = self.server.policy('fence', 'answer')
            if what != 'wait':
                break
            time.sleep(0.02)
        try:
            if what == 'answer':
                self.server.note('fenced')
                self.simple(cookie)
            elif what.startswith('error:'):
                self.simple(cookie, int(what[6:]))
            elif what == 'garbage':
                self.chunk(cookie, hostile.DATA, struct.pack('>Q', 0) + bytes(512), DONE)
            elif what == 'status':
                self.chunk(cookie, STATUS, struct.pack('>Q', 0), DONE)
        except OSError:
            pass

    def keepalive(self, cookie):
        what = self.server.policy('keepalive', 'answer')
        size = int(self.server.policy('size', str(self.server.size)))
        if what == 'answer':
            self.chunk(cookie, STATUS, struct.pack('>Q', size), DONE)
        elif what.startswith('error:'):
            self.simple(cookie, int(what[6:]))
        elif what == 'early':
            if not self.early:
                cookie = (cookie - (20 << 32)) & (1 << 64) - 1
            self.early = True
            self.chunk(cookie, STATUS, struct.pack('>Q', size), DONE)
        elif what == 'none':
            self.chunk(cookie, NONE, b'', DONE)
        elif what == 'short':
            self.chunk(cookie, STATUS, bytes(4), DONE)


class Server:
    flags = hostile.FLAGS

    def __init__(self, args):
        self.size = args.size
        self.disk = bytearray(args.size)
        self.file = args.policy
        self.log = open(args.log, 'a', buffering=1, encoding='ascii')

    def policy(self, name, otherwise):
        try:
            with open(self.file, encoding='ascii') as f:
                words = dict(word.split('=', 1) for word in f.read().split())
        except FileNotFoundError:
            words = {}
        return words.get(name, otherwise)

    def note(self, text):
        self.log.write(text + '\n')

    def connection(self, sock):
        c = Enbd(sock, self)
        try:
            with sock:
                c.handshake()
                c.serve()
        except (Gone, OSError):
            pass


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--port-file', required=True)
    ap.add_argument('--policy', required=True)
    ap.add_argument('--log', required=True)
    ap.add_argument('--size', type=int, default=2 << 20)
    ap.add_argument('--rcvbuf', type=int, help='of its sockets, bytes')
    args = ap.parse_args()
    server = Server(args)
    listener = socket.create_server(('127.0.0.1', 0), backlog=64)
    if args.rcvbuf:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, args.rcvbuf)
    with open(args.port_file, 'w', encoding='ascii') as f:
        f.write('%d\n' % listener.getsockname()[1])
    hostile.listen(server, listener)


if __name__ == '__main__':
    main()
