#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A client of the protocol's extension, by hand.

extension.py PORT COMMAND...: one connection, commands in order:

  hello                    print "signature verifier features"
  bind SESSION CHAN INC    SESSION is up to 16 characters
  fence CHAN INC           as an option before go, as a command after
  go                       begin the transmission phase
  keepalive                print the size
  write OFFSET TEXT, flush
  reconnect                a further connection; later commands use it
  on N                     use connection N, the first is 0
  wait                     print "ready", and go on when stdin has a line
  eof                      the server closes the connection

An error that the server answers is printed as "error NUMBER" and ends nothing.
"""
import socket
import struct
import sys

IHAVEOPT, OPT_REPLY = 0x49484156454f5054, 0x3e889045565a9
MAGIC = 0x454e4244


class Connection:
    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.recv(18)
        self.sock.sendall(struct.pack('>I', 3))
        self.transmitting = False
        self.challenge = bytes(16)
        self.cookie = 0
        assert self.option(8)[0] == 1
        query = b'x-enbd:'
        kind, data = self.option(9, struct.pack('>III', 0, 1, len(query)) + query)
        assert (kind, data) == (4, bytes(4) + b'x-enbd:v1'), (kind, data)
        assert self.reply()[0] == 1

    def recv(self, n):
        data = b''
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def reply(self):
        magic, _, kind, length = struct.unpack('>QIII', self.recv(20))
        assert magic == OPT_REPLY
        return kind, self.recv(length)

    def option(self, number, data=b''):
        self.sock.sendall(struct.pack('>QII', IHAVEOPT, number, len(data)) + data)
        return self.reply()

    def request(self, kind, offset=0, length=0, data=b''):
        """Return: error, payload"""
        self.cookie += 1
        self.sock.sendall(struct.pack('>IHHQQI', 0x25609513, 0, kind, self.cookie, offset, length) + data)
        magic, = struct.unpack('>I', self.recv(4))
        if magic == 0x67446698:
            error, cookie = struct.unpack('>IQ', self.recv(12))
            assert cookie == self.cookie
            return error, b''
        assert magic == 0x668e33ef
        flags, kind, cookie, length = struct.unpack('>HHQI', self.recv(16))
        assert flags == 1 and kind == 0x4501 and cookie == self.cookie
        return 0, self.recv(length)

    def answer(self, result, good):
        if result[0] != good:
            print('error', result[0] & 0x7fffffff)

    def hello(self):
        kind, data = self.option(0x454e4201, struct.pack('>IHHII', MAGIC, 1, 0, 0xffffffff, 0))
        assert kind == 0x454e4201, kind
        magic, version, _, features, signature, verifier, self.challenge = \
            struct.unpack('>IHHI32s32s16s', data)
        assert magic == MAGIC and version == 1
        assert self.reply()[0] == 1
        print(signature.hex(), verifier.hex(), features)

    def bind(self, session, channel, incarnation):
        self.answer(self.option(0x454e4202, struct.pack(
            '>I16s16sII', MAGIC, session.encode(), self.challenge, int(channel), int(incarnation))), 1)

    def fence(self, channel, incarnation):
        channel, incarnation = int(channel), int(incarnation)
        if self.transmitting:
            self.answer(self.request(0x4501, channel << 32 | incarnation), 0)
        else:
            self.answer(self.option(0x454e4203, struct.pack('>IIII', MAGIC, 1, channel, incarnation)), 1)

    def go(self):
        kind, _ = self.option(7, struct.pack('>IH', 0, 0))
        while kind == 3:
            kind, _ = self.reply()
        self.answer((kind,), 1)
        self.transmitting = True

    def keepalive(self):
        error, data = self.request(0x4502)
        print(f'error {error}' if error else struct.unpack('>Q', data)[0])

    def write(self, offset, text):
        self.answer(self.request(1, int(offset), len(text), text.encode()), 0)

    def flush(self):
        self.answer(self.request(3), 0)

    def eof(self):
        try:
            assert not self.sock.recv(1)
        except ConnectionResetError:
            pass
        print('eof')


def main():
    port, words = int(sys.argv[1]), sys.argv[2:]
    connections = [Connection(port)]
    use = connections[0]
    while words:
        command = words.pop(0)
        if command == 'wait':
            print('ready', flush=True)
            sys.stdin.readline()
        elif command == 'reconnect':
            use = Connection(port)
            connections.append(use)
        elif command == 'on':
            use = connections[int(words.pop(0))]
        else:
            action = getattr(use, command)
            count = action.__code__.co_argcount - 1
            action(*words[:count])
            words = words[count:]


main()
