#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""server-libnbd.py HOST PORT FILE PID LOAD: enbd-server against libnbd and by hand.

The server has exports "disk" (8 MiB, in FILE) and "only" (read-only). LOAD
divides amounts.
"""

import errno
import os
import socket
import struct
import sys
import time
from pathlib import Path

import nbd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.dont_write_bytecode = True
from tap import diag, equal, ok  # noqa: E402

HOST, PORT, FILE, PID, LOAD = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
SIZE = 8 << 20
OPTION, REPLY = b"IHAVEOPT", struct.pack(">Q", 0x3e889045565a9)
REQUEST, SIMPLE = 0x25609513, 0x67446698
READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES, STATUS = range(8)


def connect(export="disk", structured=True, strict=True):
    h = nbd.NBD()
    h.set_export_name(export)
    h.set_request_structured_replies(structured)
    if not strict:
        h.set_strict_mode(0)
    h.connect_tcp(HOST, str(PORT))
    return h


def fails(name, want, call, *args):
    try:
        call(*args)
    except nbd.Error as error:
        equal(error.errnum, want, name)
    else:
        ok(False, name)


def commands(structured):
    what = "structured" if structured else "simple"
    h = connect(structured=structured)
    data = os.urandom(1 << 20)
    h.pwrite(data, 12345)
    ok(h.pread(len(data), 12345) == data, f"{what}: write and read")
    h.pwrite(b"x" * 512, 0, nbd.CMD_FLAG_FUA)
    h.flush()
    with open(FILE, "rb") as f:
        ok(f.read(512) == b"x" * 512, f"{what}: FUA and flush")
    h.zero(1000, 12345)
    h.zero(1000, 13345, nbd.CMD_FLAG_NO_HOLE)
    h.zero(1000, 14345, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
    ok(h.pread(4000, 12345) == bytes(3000) + data[3000:4000], f"{what}: zeroes")
    h.zero(100000, 20000, nbd.CMD_FLAG_FAST_ZERO)
    ok(h.pread(100000, 20000) == bytes(100000), f"{what}: fast zeroes")
    h.trim(4 << 20, 1 << 20)
    h.trim(4096, 0, nbd.CMD_FLAG_FUA)
    ok(len(h.pread(512, SIZE - 512)) == 512, f"{what}: trim, and reading to the end")
    h.cache(SIZE, 0)
    if structured:
        chunks = []
        h.pread_structured(4096, 8192, lambda buf, off, status, err:
                           chunks.append((len(buf), off, status, err.value)),
                           nbd.CMD_FLAG_DF)
        equal(chunks, [(4096, 8192, nbd.READ_DATA, 0)], f"{what}: one chunk")
    h.shutdown()


def errors(structured):
    what = "structured" if structured else "simple"
    h = connect(structured=structured, strict=False)
    fails(f"{what}: read beyond the end", errno.EINVAL, h.pread, 2, SIZE - 1)
    fails(f"{what}: write beyond the end", errno.ENOSPC, h.pwrite, b"xx", SIZE - 1)
    fails(f"{what}: zeroes beyond the end", errno.ENOSPC, h.zero, 2, SIZE - 1)
    fails(f"{what}: trim beyond the end", errno.EINVAL, h.trim, 2, SIZE - 1)
    fails(f"{what}: cache beyond the end", errno.EINVAL, h.cache, 2, SIZE - 1)
    fails(f"{what}: unknown flag", errno.EINVAL, h.zero, 512, 0, 1 << 13)
    fails(f"{what}: far beyond the end", errno.EINVAL, h.pread, 1, (1 << 63) - 1)
    ok(h.pread(0, 0) == b"", f"{what}: nothing read")
    h.pwrite(b"", 0)
    ok(h.pread(1, 0) is not None, f"{what}: it still understands us")
    h.shutdown()

    h = connect("only", structured, strict=False)
    fails(f"{what}: write to a read-only export", errno.EPERM, h.pwrite, b"x" * 70000, 0)
    fails(f"{what}: trim of a read-only export", errno.EPERM, h.trim, 512, 0)
    fails(f"{what}: zeroes on a read-only export", errno.EPERM, h.zero, 512, 0)
    h.flush()
    ok(h.pread(10, 0) == bytes(10), f"{what}: it can be read")
    h.shutdown()


def many_at_once():
    h = connect()
    blocks = [os.urandom(1 + i * 977) for i in range(60)]
    offsets = [100000 * i for i in range(60)]
    pending = [h.aio_pwrite(b, o) for b, o in zip(blocks, offsets)]
    while pending:
        h.poll(-1)
        pending = [c for c in pending if not h.aio_command_completed(c)]
    bufs = [nbd.Buffer(len(b)) for b in blocks]
    pending = [h.aio_pread(b, o) for b, o in zip(bufs, offsets)]
    pending.append(h.aio_flush())
    while pending:
        h.poll(-1)
        pending = [c for c in pending if not h.aio_command_completed(c)]
    ok([bytes(b.to_bytearray()) for b in bufs] == blocks, "60 requests at once")
    other = connect()
    ok(other.pread(len(blocks[7]), offsets[7]) == blocks[7], "a second connection sees it")
    other.shutdown()
    h.shutdown()


def options():
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.connect_tcp(HOST, str(PORT))
    names = []
    h.opt_list(lambda name, text: names.append(name))
    equal(names, ["disk", "only"], "list")
    h.set_export_name("nothing")
    fails("unknown export", errno.ENOENT, h.opt_info)
    h.set_export_name("only")
    h.set_full_info(True)
    h.opt_info()
    equal((h.get_size(), h.is_read_only()), (SIZE, True), "info")
    equal(h.get_canonical_export_name(), "only", "name when asked")
    h.set_export_name("disk")
    h.opt_go()
    equal(h.get_size(), SIZE, "go after the others")
    h.shutdown()
    h = nbd.NBD()
    h.set_handshake_flags(0)
    h.set_export_name("disk")
    h.connect_tcp(HOST, str(PORT))
    equal(h.get_size(), SIZE, "a client without fixed newstyle")
    ok(h.pread(1, 0) is not None, "can read")
    h.shutdown()


# ---- by hand ----

class Raw:
    """A client that says what it is told to say."""

    def __init__(self, flags=3):
        self.sock = socket.create_connection((HOST, PORT))
        self.sock.settimeout(10)
        greeting = self.take(18)
        assert greeting == b"NBDMAGICIHAVEOPT\0\3", greeting
        self.send(struct.pack(">I", flags))

    def send(self, data):
        self.sock.sendall(data)

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def option(self, number, payload=b"", length=None):
        self.send(OPTION + struct.pack(
            ">II", number, len(payload) if length is None else length) + payload)

    def reply(self):
        head = self.take(20)
        option, kind, length = struct.unpack(">III", head[8:])
        assert head[:8] == REPLY, head
        return option, kind, self.take(length)

    def go(self, export=b"disk"):
        self.option(1, export)
        self.take(10)
        return self

    def request(self, command, cookie, offset, length, flags=0, magic=REQUEST):
        self.send(struct.pack(">IHHQQI", magic, flags, command, cookie, offset, length))

    def answer(self):
        magic, error, cookie = struct.unpack(">IIQ", self.take(16))
        assert magic == SIMPLE, magic
        return cookie, error

    def ended(self):
        """Has the server closed the connection? What it still says is read."""
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False
        finally:
            self.sock.close()


def extended():
    r = Raw()
    r.option(11)
    equal(r.reply()[1], 1, "extended headers are acknowledged")
    r.option(1, b"disk")
    r.take(10)

    def ask(command, cookie, offset, length, flags=0, payload=b""):
        r.send(struct.pack(">IHHQQQ", 0x21e41c71, flags, command, cookie, offset, length) + payload)
        magic, flags, kind, got, off, size = struct.unpack(">IHHQQQ", r.take(32))
        assert magic == 0x6e8a278c and flags == 1 and got == cookie and off == offset
        return kind, r.take(size)

    equal(ask(WRITE, 1, 5, 3, 1 << 5, b"abc"), (0, b""), "extended: write")
    equal(ask(READ, 2, 5, 3), (1, struct.pack(">Q", 5) + b"abc"), "extended: read")
    equal(ask(TRIM, 3, 0, SIZE), (0, b""), "extended: trim")
    kind, data = ask(ZEROES, 4, 0, 1 << 40)
    equal((kind, data[:4]), (0x8001, struct.pack(">I", 28)), "extended: 1 TiB of zeroes beyond the end")
    kind, data = ask(READ, 5, 0, 1 << 40, 1 << 2)
    equal((kind, data[:4]), (0x8001, struct.pack(">I", 22)), "extended: a read of 1 TiB")
    kind, data = ask(READ, 6, 0, 3, 1 << 5, b"xyz")
    equal((kind, data[:4]), (0x8001, struct.pack(">I", 22)), "extended: a read with a payload")
    equal(ask(FLUSH, 7, 0, 0), (0, b""), "extended: it still understands us")
    r.send(struct.pack(">IHHQQQ", 0x21e41c71, 0, DISC, 8, 0, 0))
    ok(r.ended(), "extended: disconnect")


def hostile_options():
    r = Raw()
    r.option(7, b"x" * 100, length=0xffffffff)
    equal(r.reply()[1], (1 << 31) + 9, "option of 4 GiB: too big")
    ok(r.ended(), "and disconnected")

    r = Raw()
    r.option(7, bytes(100000))
    equal(r.reply()[1], (1 << 31) + 9, "option of 100 kB: too big")
    r.option(5)
    equal(r.reply()[:2], (5, (1 << 31) + 1), "the next one is understood, TLS is not supported")
    r.option(0x454e4201, b"?")
    equal(r.reply()[1], (1 << 31) + 1, "an option of another maker is not supported")
    r.option(7, struct.pack(">I", 0xffffffff))
    equal(r.reply()[1], (1 << 31) + 3, "a name of 4 GiB inside an option is invalid")
    r.option(2)
    equal(r.reply()[1], 1, "abort is acknowledged")
    ok(r.ended(), "and disconnected")

    for name, flags, data in (
            ("unknown flags", 1 << 7, b""),
            ("HTTP", 3, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("garbage", 3, os.urandom(70000)),
            ("an export name of 4 GiB", 3, OPTION + struct.pack(">II", 1, 0xffffffff)),
            ("an unknown export name", 3, OPTION + struct.pack(">II", 1, 1) + b"?")):
        r = Raw(flags)
        try:
            r.send(data)
        except ConnectionError:
            pass
        ok(r.ended(), f"{name}: disconnected")

    start = time.monotonic()
    r = Raw()
    r.send(OPTION)
    ok(r.ended(), "half an option and silence: disconnected")
    ok(1 < time.monotonic() - start < 9, "after the time for a handshake")

    r = Raw()
    try:
        for _ in range(1100):
            r.option(5)
    except ConnectionError:
        pass
    ok(r.ended(), "options without end: disconnected")


def hostile_requests():
    r = Raw().go()
    r.request(FLUSH, 1, 0, 0, magic=0x12345678)
    ok(r.ended(), "wrong magic: disconnected")

    r = Raw().go()
    r.request(WRITE, 1, 0, (32 << 20) + 1)
    try:
        for _ in range(32):
            r.send(bytes(1 << 20))
        r.send(b"x")
    except ConnectionError:
        pass
    equal(r.answer(), (1, 28), "a write that is too long is refused")
    r.request(77, 2, 0, 0)
    equal(r.answer(), (2, 22), "an unknown command as well")
    r.request(STATUS, 3, 0, 512)
    equal(r.answer(), (3, 22), "block status was not negotiated")
    r.request(READ, 4, 0, 512, 1 << 2)
    equal(r.answer(), (4, 22), "DF needs structured replies")
    r.request(FLUSH, 5, 512, 512)
    equal(r.answer(), (5, 22), "a flush has no range")
    r.request(WRITE, 6, 0, 0xffffffff)
    ok(r.ended(), "a write of 4 GiB: disconnected")

    before = connect().pread(4096, 0)
    r = Raw().go()
    r.request(WRITE, 1, 0, 4096)
    r.send(b"y" * 4095)
    r.sock.shutdown(socket.SHUT_WR)
    ok(r.ended(), "half a write: disconnected")
    ok(connect().pread(4096, 0) == before, "and not carried out")

    r = Raw().go()
    for i in range(1000):
        r.request(READ, i, 0, 65536)
    r.sock.close()
    ok(connect().pread(1, 0) is not None, "a client that asks and goes: nobody minds")

    slow = Raw().go()
    asked = 1000 // LOAD
    for i in range(asked):
        slow.request(READ, i, 0, 1 << 20)
    start = time.monotonic()
    h = connect()
    h.pwrite(b"z" * 4096, 0)
    h.flush()
    ok(h.pread(4096, 0) == b"z" * 4096 and time.monotonic() - start < 8,
       "a client that does not read holds up no other")
    h.shutdown()
    rss = int(Path(f"/proc/{PID}/statm").read_text().split()[1]) * 4096
    ok(rss < 300 << 20, f"nor does it take much memory ({rss >> 20} MiB)")
    good = True
    for i in range(asked):
        cookie, error = slow.answer()
        good = good and not error and len(slow.take(1 << 20)) == 1 << 20
    ok(good, "when it reads it gets everything")
    slow.request(DISC, 0, 0, 0)
    ok(slow.ended(), "and leaves")


def count(folder):
    return len(os.listdir(f"/proc/{PID}/{folder}"))


def settled(files):
    """Wait until no more files are open than without clients."""
    deadline = time.monotonic() + 20
    while count("fd") > files and time.monotonic() < deadline:
        time.sleep(0.05)
    return count("fd")


def cycles(files):
    for _ in range(50):
        connect().shutdown()
    equal(settled(files), files, "all clients have left")
    rss = Path(f"/proc/{PID}/statm").read_text().split()[1]
    for i in range(1000 // LOAD):
        h = connect(structured=i % 2)
        h.pread(4096, 0)
        if i % 3:
            h.shutdown()
    del h
    equal(settled(files), files, f"{1000 // LOAD} connections leave no file open")
    ok(count("task") <= 35, "and no thread")
    grown = int(Path(f"/proc/{PID}/statm").read_text().split()[1]) - int(rss)
    ok(grown < 8192, f"and no memory ({grown} pages)")


without_clients = count("fd")
for mode in (False, True):
    commands(mode)
    errors(mode)
many_at_once()
options()
extended()
hostile_options()
hostile_requests()
cycles(without_clients)
diag("done")
