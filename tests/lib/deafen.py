#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Takes away what is waiting in the netlink sockets of the process PID, which has
been stopped: it will not have heard of it, as when the kernel lacked the memory."""
import ctypes
import os
import socket
import sys

PIDFD_GETFD = 438


def main():
    pid = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    taken = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
            continue
        fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        with socket.socket(fileno=fd) as sock:
            if sock.family != socket.AF_NETLINK:
                continue
            while True:
                try:
                    sock.recv(65536, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                taken += 1
    print(taken)


main()
