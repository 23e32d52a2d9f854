# SPDX-License-Identifier: GPL-2.0
"""Network namespaces and what can be done to the network in them, by netlink: without starting a program each time."""

import ctypes
import os
import socket
import struct
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

RTM_NEWLINK, RTM_NEWQDISC, RTM_DELQDISC = 16, 36, 37
SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
NETLINK_SOCK_DIAG = 4
REQUEST, ACK, DUMP, REPLACE, CREATE = 1, 4, 0x300, 0x100, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
TC_ROOT = 0xffffffff
TCA_KIND, TCA_OPTIONS, TCA_NETEM_LATENCY64 = 1, 2, 10
ESTABLISHED = 1


class Tcp:
    """One TCP connection as the kernel names it."""

    def __init__(self, sockid):
        self.sockid = sockid
        self.sport, self.dport = struct.unpack_from("!HH", sockid)
        self.source = socket.inet_ntoa(sockid[4:8])
        self.destination = socket.inet_ntoa(sockid[20:24])


def attribute(kind, data):
    return struct.pack("HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


class Netns:
    """A network namespace; without a name the one we are in."""

    def __init__(self, name=None):
        self.name = name
        if name:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.fd = os.open(f"/run/netns/{name}" if name else "/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.route = self.open_socket(socket.NETLINK_ROUTE)
        self.diag = self.open_socket(NETLINK_SOCK_DIAG)
        self.indexes = {}

    def open_socket(self, protocol):
        back = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.enter()
        try:
            return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        finally:
            LIBC.setns(back, CLONE_NEWNET)
            os.close(back)

    def enter(self):
        if LIBC.setns(self.fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def ip(self, *words):
        """The program ip, for what is done once."""
        where = ["-n", self.name] if self.name else []
        subprocess.run(["ip", *where, *words], check=True)

    def popen(self, command, **options):
        return subprocess.Popen(command, preexec_fn=self.enter if self.name else None, **options)

    @staticmethod
    def ask(sock, kind, flags, payload):
        """Send a request and give the payloads of the answers."""
        sock.send(struct.pack("IHHII", 16 + len(payload), kind, REQUEST | flags, 1, 0) + payload)
        answers = []
        while True:
            data = sock.recv(1 << 17)
            while len(data) >= 16:
                length, what = struct.unpack_from("IH", data)
                if what == NLMSG_DONE:
                    return answers
                if what == NLMSG_ERROR:
                    error = -struct.unpack_from("i", data, 16)[0]
                    if error:
                        raise OSError(error, os.strerror(error))
                    return answers
                answers.append(data[16:length])
                data = data[(length + 3) & ~3:]

    def index(self, device):
        """Names of devices are found once; they must not be made anew."""
        if device not in self.indexes:
            where = ["-n", self.name] if self.name else []
            out = subprocess.run(["ip", *where, "-o", "link", "show", device], check=True,
                                 capture_output=True, text=True).stdout
            self.indexes[device] = int(out.split(":")[0])
        return self.indexes[device]

    def link(self, device, up):
        self.ask(self.route, RTM_NEWLINK, ACK,
                 struct.pack("BBHiII", 0, 0, 0, self.index(device), int(up), 1))

    def netem(self, device, delay_ms=0.0, loss=0.0):
        """What leaves DEVICE is late or lost."""
        qopt = struct.pack("6I", 0, 1000, int(loss * 0xffffffff), 0, 0, 0)
        late = attribute(TCA_NETEM_LATENCY64, struct.pack("q", int(delay_ms * 1e6)))
        self.ask(self.route, RTM_NEWQDISC, ACK | CREATE | REPLACE,
                 struct.pack("BBHiIII", 0, 0, 0, self.index(device), 0, TC_ROOT, 0) +
                 attribute(TCA_KIND, b"netem\0") + attribute(TCA_OPTIONS, qopt + late))

    def no_netem(self, device):
        try:
            self.ask(self.route, RTM_DELQDISC, ACK,
                     struct.pack("BBHiIII", 0, 0, 0, self.index(device), 0, TC_ROOT, 0))
        except OSError:
            pass    # there is none: the device went down meanwhile

    def nft(self, rule=None):
        """What comes into the namespace passes RULE; without one everything comes in."""
        script = "add table inet enbd\nadd chain inet enbd in { type filter hook input priority 0; }\n" \
                 "flush chain inet enbd in\n"
        if rule:
            script += f"add rule inet enbd in {rule}\n"
        nft = self.popen(["nft", "-f", "-"], stdin=subprocess.PIPE, text=True)
        nft.communicate(script)
        if nft.returncode:
            raise RuntimeError(f"nft refuses {rule}")

    def connections(self, port):
        """Established TCP connections with PORT at either end."""
        answers = self.ask(self.diag, SOCK_DIAG_BY_FAMILY, DUMP,
                           struct.pack("BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << ESTABLISHED) +
                           b"\0" * 48)
        found = [Tcp(a[4:52]) for a in answers]
        return [t for t in found if port in (t.sport, t.dport)]

    def reset(self, tcp):
        """As an administrator does with ss -K. False: it was gone."""
        try:
            self.ask(self.diag, SOCK_DESTROY, ACK,
                     struct.pack("BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xffffffff) + tcp.sockid)
            return True
        except OSError:
            return False

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)
