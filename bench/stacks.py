# SPDX-License-Identifier: GPL-2.0
"""The stacks that are compared: each a server, a client, and a block device.

All serve the same file on a tmpfs. A stack is a context manager: entering it
starts a fresh server and connects, leaving it removes both. What cannot be set
up raises Skip with the reason.
"""

import glob
import os
import shutil
import subprocess
import time

WORK = "/tmp/enbd-bench"
HOST = "127.0.0.1"
BLOCK = 4096


class Skip(Exception):
    """This machine cannot run the stack."""


def read(path):
    with open(path) as f:
        return f.read().strip()


def write(path, text):
    with open(path, "w") as f:
        f.write(str(text))


def wait_until(what, condition, seconds=20):
    """Looks until it is true; Skip at the deadline."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Skip("%s: not within %d s" % (what, seconds))
        time.sleep(0.01)


def command(*args, seconds=30):
    """Runs to its end and returns the output; Skip if it is absent or fails."""
    try:
        done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=seconds, text=True)
    except FileNotFoundError:
        raise Skip("%s is not installed" % args[0])
    except subprocess.TimeoutExpired:
        raise Skip("%s: no end within %d s" % (" ".join(args), seconds))
    if done.returncode:
        text = (done.stderr or done.stdout).strip().splitlines() or ["status %d" % done.returncode]
        raise Skip("%s: %s" % (args[0], text[-1]))
    return done.stdout


def load_module(name, *parameters):
    """Loads it unless it is built in; whether it was there shows later."""
    if not os.path.isdir("/sys/module/" + name.replace("-", "_")):
        subprocess.run(["modprobe", "-q", name, *parameters], stderr=subprocess.DEVNULL)


def connections_to(port):
    """Established ones, seen from the client's end."""
    return sum(1 for line in read("/proc/net/tcp").splitlines()[1:]
               if line.split()[2].endswith(":%04X" % port) and line.split()[3] == "01")


class Backing:
    """The file behind every server, written once so that no page is missing."""

    def __init__(self, mib):
        os.makedirs(WORK, exist_ok=True)
        self.path = os.path.join(WORK, "disk.img")
        self.size = mib << 20
        chunk = os.urandom(1 << 20)
        with open(self.path, "wb") as f:
            for _ in range(mib):
                f.write(chunk)

    def block(self, offset):
        with open(self.path, "rb") as f:
            f.seek(offset)
            return f.read(BLOCK)


class Process:
    """A server in the foreground. Ended when the stack is left."""

    def __init__(self, *args):
        if not shutil.which(args[0]):
            raise Skip("%s is not installed" % args[0])
        self.log = os.path.join(WORK, os.path.basename(args[0]) + ".log")
        with open(self.log, "w") as log:
            self.child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.child.pid

    def await_file(self, path):
        """Until it says that it listens."""
        def ready():
            if self.child.poll() is not None:
                lines = read(self.log).splitlines() or ["status %d" % self.child.returncode]
                raise Skip("%s: %s" % (self.child.args[0], lines[-1]))
            return os.path.exists(path) and os.path.getsize(path) > 0
        wait_until(self.child.args[0] + " starts", ready)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def start_enbd_server(backing):
    """Returns the process and the port."""
    port_file = os.path.join(WORK, "port")
    if os.path.exists(port_file):
        os.unlink(port_file)
    server = Process("enbd-server", "0", backing.path, "-f", "-b", HOST, "--port-file", port_file)
    server.await_file(port_file)
    return server, int(read(port_file))


next_port = 21000


def start_nbdkit(backing):
    """As start_enbd_server()."""
    global next_port
    next_port += 1
    pid_file = os.path.join(WORK, "nbdkit.pid")
    if os.path.exists(pid_file):
        os.unlink(pid_file)
    server = Process("nbdkit", "-f", "-i", HOST, "-p", str(next_port), "-P", pid_file,
                     "file", backing.path)
    server.await_file(pid_file)
    return server, next_port


SERVERS = {"enbd-server": start_enbd_server, "nbdkit": start_nbdkit}


class Stack:
    """NAME of the client, SERVER, and how many connections. Once entered,
    @disk is the device's name and @server the Process, if there is one."""

    blocks = True		# it makes a block device
    replies = None		# a framing of replies that is not the default

    def __init__(self, client, server, connections):
        self.client = client
        self.server_name = server
        self.connections = connections
        self.name = "%s-%d@%s" % (client, connections, server)
        self.server = None
        self.disk = None

    def setup(self, backing):
        raise NotImplementedError

    def teardown(self):
        pass

    def really(self):
        """Raises Skip unless the device is of the driver it should be."""

    def open(self, backing):
        try:
            self.setup(backing)
            if self.blocks:
                self.really()
                self.same_data(backing)
        except BaseException:
            self.close()
            raise

    def close(self):
        try:
            if self.disk:
                self.teardown()
        finally:
            self.disk = None
            if self.server:
                self.server.stop()
            self.server = None

    def same_data(self, backing):
        """A block written to the device must be seen in the file, and the size be the file's."""
        size = int(read("/sys/block/%s/size" % self.disk)) * 512
        if size != backing.size:
            raise Skip("%s has %d bytes, the file %d" % (self.disk, size, backing.size))
        mark = ("%s %d" % (self.name, time.time_ns())).encode().ljust(BLOCK, b"\0")
        offset = backing.size // 2
        fd = os.open("/dev/" + self.disk, os.O_RDWR)
        try:
            os.pwrite(fd, mark, offset)
            os.fsync(fd)
        finally:
            os.close(fd)
        if backing.block(offset) != mark:
            raise Skip("%s does not write to the file" % self.disk)

    def queue(self, name, value=None):
        """A queue attribute, None if there is none; with @value, set it first."""
        path = "/sys/block/%s/queue/%s" % (self.disk, name)
        if not os.path.exists(path):
            return None
        if value is not None:
            write(path, value)
        return read(path)

    def hw_queues(self):
        return len(glob.glob("/sys/block/%s/mq/*" % self.disk))


class Enbd(Stack):
    def __init__(self, server, connections, replies=None):
        super().__init__("enbd", server, connections)
        self.replies = replies
        if replies:
            self.name = "enbd-%d-%s@%s" % (connections, replies, server)

    def setup(self, backing):
        load_module("enbd")
        self.server, port = SERVERS[self.server_name](backing)
        out = command("enbdctl", "connect", "-n", str(self.connections),
                      *(["--reply-format", self.replies] if self.replies else []),
                      "nbd://%s:%d" % (HOST, port))
        self.disk = os.path.basename(out.split()[-1])

    def really(self):
        live = [d for d in glob.glob("/sys/block/%s/enbd/channel*/state" % self.disk)
                + glob.glob("/sys/block/%s/channel*/state" % self.disk) if read(d) == "live"]
        if len(live) != self.connections:
            raise Skip("%d of %d channels are live" % (len(live), self.connections))

    def teardown(self):
        command("enbdctl", "disconnect", "/dev/" + self.disk)


class Nbd(Stack):
    def __init__(self, server, connections):
        super().__init__("nbd", server, connections)

    def setup(self, backing):
        load_module("nbd")
        if not os.path.exists("/dev/nbd0"):
            raise Skip("the kernel has no nbd driver")
        self.server, self.port = SERVERS[self.server_name](backing)
        self.disk = "nbd0"
        command("nbd-client", "-C", str(self.connections), HOST, str(self.port), "/dev/nbd0")
        wait_until("nbd0 is connected", lambda: os.path.exists("/sys/block/nbd0/pid") and
                   read("/sys/block/nbd0/size") != "0")

    def really(self):
        # the kernel gives it no more queues than there are processors
        if connections_to(self.port) != self.connections:
            raise Skip("%d of %d connections" % (connections_to(self.port), self.connections))

    def teardown(self):
        if os.path.exists("/sys/block/nbd0/pid"):
            command("nbd-client", "-d", "/dev/nbd0")
            wait_until("nbd0 is gone", lambda: not os.path.exists("/sys/block/nbd0/pid"))


class NvmeTcp(Stack):
    """The kernel's own target, which serves the file without leaving the kernel."""

    nqn = "nqn.2026-01.example:enbd-bench"
    config = "/sys/kernel/config/nvmet"

    def __init__(self):
        super().__init__("nvme-tcp", "nvmet", 1)

    def setup(self, backing):
        # with multipath the disk would be one without a queue of its own
        load_module("nvme-core", "multipath=N")
        for module in ("nvmet", "nvmet-tcp", "nvme-tcp"):
            load_module(module)
        if not os.path.ismount("/sys/kernel/config"):
            command("mount", "-t", "configfs", "configfs", "/sys/kernel/config")
        if not os.path.isdir(self.config) or not os.path.exists("/dev/nvme-fabrics"):
            raise Skip("the kernel lacks nvmet-tcp or nvme-tcp")
        self.controller = None
        self.disk = "nvme"		# from here on there is something to undo
        self.target(backing)
        fd = os.open("/dev/nvme-fabrics", os.O_RDWR)
        try:
            os.write(fd, ("transport=tcp,traddr=%s,trsvcid=4420,nqn=%s,nr_io_queues=%d" %
                          (HOST, self.nqn, self.connections)).encode())
            answer = dict(p.split("=") for p in os.read(fd, 4096).decode().strip().split(","))
        finally:
            os.close(fd)
        self.controller = "/sys/class/nvme/nvme" + answer["instance"]
        wait_until("the namespace appears", self.find_disk)

    def target(self, backing):
        sub = "%s/subsystems/%s" % (self.config, self.nqn)
        port = self.config + "/ports/1"
        os.mkdir(sub)
        write(sub + "/attr_allow_any_host", 1)
        os.mkdir(sub + "/namespaces/1")
        write(sub + "/namespaces/1/device_path", backing.path)
        write(sub + "/namespaces/1/buffered_io", 1)
        write(sub + "/namespaces/1/enable", 1)
        os.mkdir(port)
        for name, value in (("trtype", "tcp"), ("adrfam", "ipv4"), ("traddr", HOST),
                            ("trsvcid", 4420)):
            write("%s/addr_%s" % (port, name), value)
        os.symlink(sub, "%s/subsystems/%s" % (port, self.nqn))

    def find_disk(self):
        instance = self.controller[len("/sys/class/nvme/nvme"):]
        for path in glob.glob("/sys/block/nvme%sn*" % instance):
            if read(path + "/size") != "0":
                self.disk = os.path.basename(path)
                return True
        return False

    def really(self):
        if read(self.controller + "/transport") != "tcp":
            raise Skip("%s is not on tcp" % self.disk)

    def teardown(self):
        if self.controller:
            write(self.controller + "/delete_controller", 1)
            wait_until("the controller is gone", lambda: not os.path.exists(self.controller))
        sub = "%s/subsystems/%s" % (self.config, self.nqn)
        port = self.config + "/ports/1"
        for undo, path in ((os.unlink, "%s/subsystems/%s" % (port, self.nqn)),
                           (os.rmdir, port), (os.rmdir, sub + "/namespaces/1"), (os.rmdir, sub)):
            if os.path.lexists(path):
                undo(path)


class RawTcp(Stack):
    """What the network alone carries."""

    blocks = False

    def __init__(self):
        super().__init__("tcp", "iperf3", 1)

    def setup(self, backing):
        pid_file = os.path.join(WORK, "iperf3.pid")
        if os.path.exists(pid_file):
            os.unlink(pid_file)
        self.server = Process("iperf3", "-s", "-B", HOST, "-p", "5201", "-I", pid_file)
        self.server.await_file(pid_file)


def all_stacks():
    """In the order of the table; neighbours are compared with each other."""
    stacks = []
    for server in SERVERS:
        stacks += [Nbd(server, 1), Enbd(server, 1), Enbd(server, 2), Enbd(server, 4),
                   Nbd(server, 4)]
        if server == "nbdkit":
            stacks.insert(-1, Enbd(server, 1, "simple"))
    return stacks + [NvmeTcp(), RawTcp()]
