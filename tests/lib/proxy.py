#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A TCP proxy whose connections can be cut, held and released one by one.

    client ---- PORT [proxy] ---- server
                       |
                 control port: one command a line, one answer a line

A connection goes by the number of the client's port, or "all":

    list               ok PORT PORT ...
    cut PORT|all       reset both ends (RST)
    end PORT|all       close both ends in order (FIN)
    hold PORT|all [up|down]   keep its bytes back: up = to the server
    release PORT|all   let them go again
    refuse             close the listening port
    accept             open it again
    swallow            accept connections and never answer
    bytes PORT         ok UP DOWN, the bytes forwarded so far
"""
import argparse
import selectors
import socket
import struct
import sys

LIMIT = 4 << 20         # bytes kept of a side that does not read
PIECE = 256 << 10


class Side:
    """One direction: what came from `src` and has not gone to `dst`."""

    def __init__(self, src, dst):
        self.src, self.dst = src, dst
        self.buf = bytearray()
        self.held = False
        self.eof = False
        self.done = False
        self.bytes = 0


class Link:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.port = client.getpeername()[1]
        self.up = Side(client, server)
        self.down = Side(server, client)


class Proxy:
    def __init__(self, to):
        self.to = to
        self.sel = selectors.DefaultSelector()
        self.links = {}
        self.swallowed = []
        self.swallow = False
        self.listen_port = 0
        self.listener = None
        self.open_listener()
        self.control = socket.create_server(('127.0.0.1', 0))
        self.sel.register(self.control, selectors.EVENT_READ,
                          (self.new_control, None))

    def open_listener(self):
        self.listener = socket.create_server(('127.0.0.1', self.listen_port),
                                             backlog=128)
        self.listener.setblocking(False)
        self.listen_port = self.listener.getsockname()[1]
        self.sel.register(self.listener, selectors.EVENT_READ,
                          (self.new_client, None))

    def close_listener(self):
        if self.listener:
            self.sel.unregister(self.listener)
            self.listener.close()
            self.listener = None

    def new_client(self, _arg, _mask):
        client, _ = self.listener.accept()
        if self.swallow:
            self.swallowed.append(client)
            return
        # Either may have gone again by now.
        server = None
        try:
            server = socket.create_connection(self.to)
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.setblocking(False)
            link = Link(client, server)
        except OSError:
            client.close()
            if server:
                server.close()
            return
        self.links[link.port] = link
        self.sel.register(client, selectors.EVENT_READ,
                          (self.event, link))
        self.sel.register(server, selectors.EVENT_READ,
                          (self.event, link))

    def event(self, link, _mask):
        try:
            for side in (link.up, link.down):
                self.pump(side)
        except OSError:
            self.close(link, reset=True)
            return
        if link.up.done and link.down.done:
            self.close(link)
        elif link.port in self.links:
            self.interest(link)

    @staticmethod
    def pump(side):
        while True:
            moved = False
            if not side.held and side.buf:
                try:
                    n = side.dst.send(side.buf)
                    del side.buf[:n]
                    side.bytes += n
                    moved = True
                except BlockingIOError:
                    pass
            if not side.eof and len(side.buf) < LIMIT:
                try:
                    data = side.src.recv(PIECE)
                    if data:
                        side.buf += data
                    else:
                        side.eof = True
                    moved = True
                except BlockingIOError:
                    pass
            if side.eof and not side.buf and not side.held and not side.done:
                side.done = True
                side.dst.shutdown(socket.SHUT_WR)
            if not moved:
                return

    def interest(self, link):
        for sock, out, into in ((link.client, link.up, link.down),
                                (link.server, link.down, link.up)):
            mask = 0
            if not out.eof and len(out.buf) < LIMIT:
                mask |= selectors.EVENT_READ
            if into.buf and not into.held:
                mask |= selectors.EVENT_WRITE
            try:
                key = self.sel.get_key(sock)
                if not mask:
                    self.sel.unregister(sock)
                elif key.events != mask:
                    self.sel.modify(sock, mask, (self.event, link))
            except KeyError:
                if mask:
                    self.sel.register(sock, mask, (self.event, link))

    def close(self, link, reset=False):
        for s in (link.client, link.server):
            try:
                self.sel.unregister(s)
            except KeyError:
                pass
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack('ii', 1, 0))
            s.close()
        self.links.pop(link.port, None)

    def new_control(self, _arg, _mask):
        conn, _ = self.control.accept()
        try:
            with conn, conn.makefile('rw') as f:
                words = f.readline().split()
                try:
                    answer = self.command(words)
                except (KeyError, IndexError, ValueError) as e:
                    answer = 'bad ' + ' '.join(words) + ': ' + repr(e)
                f.write(answer + '\n')
        except OSError:
            pass    # who asked does not want to know any more

    def command(self, words):
        verb = words[0]
        if verb == 'list':
            return ' '.join(['ok'] + [str(p) for p in self.links])
        if verb == 'refuse':
            self.close_listener()
            return 'ok'
        if verb == 'accept':
            self.swallow = False
            if not self.listener:
                self.open_listener()
            return 'ok'
        if verb == 'swallow':
            self.swallow = True
            return 'ok'
        if words[1] == 'all':
            links = list(self.links.values())
        else:
            links = [self.links[int(words[1])]]
        if verb == 'bytes':
            return 'ok %d %d' % (links[0].up.bytes, links[0].down.bytes)
        if verb not in ('cut', 'end', 'hold', 'release'):
            raise ValueError(verb)
        for link in links:
            if verb in ('cut', 'end'):
                self.close(link, reset=verb == 'cut')
                continue
            which = words[2] if len(words) > 2 else 'both'
            for name, side in (('up', link.up), ('down', link.down)):
                if which in (name, 'both'):
                    side.held = verb == 'hold'
            self.event(link, 0)
        return 'ok %d' % len(links)

    def run(self):
        while True:
            for key, mask in self.sel.select():
                # A handler before this one may have closed the socket.
                if key.fileobj.fileno() >= 0:
                    func, arg = key.data
                    func(arg, mask)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--to', required=True, help='[HOST:]PORT of the server')
    ap.add_argument('--port-file', required=True,
                    help='gets the proxy\'s port and its control port')
    args = ap.parse_args()
    host, _, port = args.to.rpartition(':')
    proxy = Proxy((host or '127.0.0.1', int(port)))
    with open(args.port_file, 'w', encoding='ascii') as f:
        f.write('%d %d\n' % (proxy.listen_port,
                             proxy.control.getsockname()[1]))
    proxy.run()


if __name__ == '__main__':
    sys.exit(main())
