#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Boots one guest, runs a command in it and exits with the command's status.

Called by tests/vm/run, which has prepared the kernel, the modules and the
tools. Exit statuses of our own: 99 the kernel complained or the guest died,
124 the deadline passed, 98 the guest never began.
"""

import argparse
import fcntl
import os
import select
import shlex
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import klog       # noqa: E402
import machine    # noqa: E402

STATUS_BAD_LOG = 99
STATUS_NO_BOOT = 98
STATUS_DEADLINE = 124
RUN_PREFIX = "enbd-vm."
GUEST_OUT = "/run/enbd/out"
# How long a guest that has reported its status may take to halt.
HALT_GRACE = 10


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--kernel-dir", required=True)
    parser.add_argument("--early", required=True, help="busybox to build the initramfs of")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--tree", required=True)
    parser.add_argument("--modules", default="")
    parser.add_argument("--cpus", type=int, default=0)
    parser.add_argument("--mem", type=int, default=2048)
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--allow-log", action="append", default=[])
    parser.add_argument("--out", default="")
    parser.add_argument("--keep-log", default="")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def say(text):
    print("tests/vm/run: " + text, file=sys.stderr, flush=True)


def under_fresh_directory(path):
    """Whether the guest would hide this path under a tmpfs of its own."""
    return any((path + "/").startswith(d) for d in ("/tmp/", "/run/", "/var/tmp/"))


def make_run_directory():
    """A directory for this run, locked while we live; those that a killed run
    left behind go. Returns its path and the lock, to be kept open."""
    parent = machine.run_directory_parent()
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if not name.startswith(RUN_PREFIX):
            continue
        try:
            if time.time() - os.stat(path).st_mtime < 60:
                continue
            with open(os.path.join(path, "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
    run = tempfile.mkdtemp(prefix=RUN_PREFIX, dir=parent)
    lock = open(os.path.join(run, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return run, lock


def write_run_files(args, run, out):
    """What guest-early and guest-init read from the host."""
    files = os.path.join(run, "files")
    binaries = os.path.join(files, "bin")
    os.makedirs(binaries)
    vm_dir = os.path.join(args.tree, "tests", "vm")
    shutil.copy(os.path.join(vm_dir, "guest-init"), files)
    # Copied, so that a build in the meantime does not change a running guest.
    build = os.path.join(args.tree, "build")
    if os.path.isdir(build):
        for entry in os.scandir(build):
            if entry.is_file() and os.access(entry.path, os.X_OK):
                shutil.copy(entry.path, binaries)

    environment = {
        "PATH": "/run/enbd/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb", "USER": "root",
        "ENBD_GUEST": args.kernel, "ENBD_OUT": GUEST_OUT,
        "ENBD_VM_PORTS": "tty" if args.kernel.startswith("uml") else "virtio",
    }
    for setting in args.env:
        name, _, value = setting.partition("=")
        environment[name] = value
    with open(os.path.join(files, "env"), "w") as f:
        for name, value in environment.items():
            f.write("export %s=%s\n" % (name, shlex.quote(value)))

    cwd = os.getcwd()
    with open(os.path.join(files, "cmd"), "w") as f:
        f.write("cd %s || exit 126\n" % shlex.quote(cwd))
        f.write("exec %s\n" % " ".join(shlex.quote(c) for c in args.command))

    with open(os.path.join(run, "bind"), "w") as f:
        for path in sorted({args.tree, cwd}):
            if under_fresh_directory(path):
                f.write(path + "\n")
    with open(os.path.join(run, "outdir"), "w") as f:
        f.write(out)
    with open(os.path.join(run, "modules"), "w") as f:
        f.write(args.modules)


class Relay:
    """Copies the guest's ports to our own descriptors and notes the status."""

    def __init__(self):
        self.ends = {}
        self.control = b""
        self.write_ends = {}
        for name, fd in (("out", 1), ("err", 2), ("ctl", None)):
            r, w = os.pipe()
            self.ends[r] = fd
            self.write_ends[name] = w

    def started(self):
        for w in self.write_ends.values():
            os.close(w)

    def _drain(self, fd):
        data = os.read(fd, 65536)
        if not data:
            os.close(fd)
            del self.ends[fd]
            return
        target = self.ends[fd]
        if target is None:
            self.control += data
        while target is not None and data:
            data = data[os.write(target, data):]

    def poll(self, seconds):
        """Waits at most this long for output; False when there is nothing left."""
        if not self.ends:
            return False
        for fd in select.select(list(self.ends), [], [], max(0, seconds))[0]:
            self._drain(fd)
        return bool(self.ends)

    def ready(self):
        return b"ready" in self.control

    def status(self):
        for line in self.control.split(b"\n")[:-1]:
            words = line.split()
            if len(words) == 2 and words[0] == b"status":
                return int(words[1])
        return None


class Killed(Exception):
    """A signal asked us to end."""


def on_signal(number, _frame):
    raise Killed(number)


def run_guest(args, run, out):
    """Runs the guest to its end. Returns (status or None, began, late)."""
    relay = Relay()
    guest = machine.start(args, run, out, relay.write_ends)
    relay.started()
    deadline = time.monotonic() + args.timeout
    late = False
    try:
        while relay.poll(min(1, deadline - time.monotonic())):
            if relay.status() is not None:
                halt_by = time.monotonic() + HALT_GRACE
                while relay.poll(0.1) and guest.poll() is None \
                        and time.monotonic() < halt_by:
                    pass
                break
            if time.monotonic() >= deadline:
                late = True
                break
            if guest.poll() is not None:
                relay.poll(0)
                break
    finally:
        machine.stop(guest)
    # What was still in the pipes when the guest ended.
    while relay.ends and select.select(list(relay.ends), [], [], 0)[0]:
        relay.poll(0)
    return relay.status(), relay.ready(), late


def read_log(run):
    text = ""
    for name in ("machine.log", "klog"):
        path = os.path.join(run, name)
        if os.path.exists(path):
            with open(path, errors="replace") as f:
                text += f.read()
    return text


def tail(text, lines=40):
    return "\n".join("  " + x for x in text.replace("\r", "").rstrip().split("\n")[-lines:])


def judge(args, run, out, outcome):
    """The exit status, after saying why when it is not the command's."""
    status, began, late = outcome
    log = read_log(run)
    complaint = None
    if began or status is not None:
        complaint = klog.report(log, args.allow_log, over=status is not None)
    if args.keep_log:
        shutil.copy(os.path.join(run, "klog"), args.keep_log)
    if complaint:
        say("%s: the guest's kernel complained%s\n%s" % (
            args.kernel, "" if status is None else
            " (the command's own status was %d)" % status, complaint))
    leaks = os.path.join(out, "kmemleak")
    if os.path.exists(leaks):
        with open(leaks, errors="replace") as f:
            say("%s: kmemleak found leaked memory:\n%s" % (args.kernel, f.read()[:8000]))
        return STATUS_BAD_LOG
    if late:
        say("%s: deadline: not finished after %g s, guest killed; the kernel log's end:\n%s"
            % (args.kernel, args.timeout, tail(log)))
        return STATUS_DEADLINE
    if complaint:
        return STATUS_BAD_LOG
    if status is None:
        say("%s: the guest %s; the kernel log's end:\n%s" % (
            args.kernel, "died without a status" if began else "did not come up", tail(log)))
        return STATUS_BAD_LOG if began else STATUS_NO_BOOT
    return status


def main():
    args = parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    run, _lock = make_run_directory()
    try:
        if args.out:
            out = os.path.realpath(args.out)
            os.makedirs(out, exist_ok=True)
        else:
            out = os.path.join(run, "out")
            os.mkdir(out)
        write_run_files(args, run, out)
        return judge(args, run, out, run_guest(args, run, out))
    except Killed as e:
        say("ended by signal %d" % e.args[0])
        return 128 + e.args[0]
    except BrokenPipeError:
        return 141
    finally:
        shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
