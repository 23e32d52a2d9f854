#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A service manager of sorts: listens on the socket SOCKET (sd_notify(3)),
writes SOCKET.listening when it does, and SOCKET.told with all that it was told
from the first READY=1 on."""
import os
import socket
import sys


def main():
    path = sys.argv[1]
    for name in (path, path + ".listening", path + ".told"):
        if os.path.exists(name):
            os.unlink(name)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    with open(path + ".listening", "w", encoding="ascii") as f:
        f.write("yes\n")
    ready = False
    while True:
        text = sock.recv(4096).decode("utf-8", "replace")
        ready = ready or "READY=1" in text.split("\n")
        if ready:
            with open(path + ".told", "a", encoding="utf-8") as f:
                f.write(text + "\n")


main()
