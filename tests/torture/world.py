# SPDX-License-Identifier: GPL-2.0
"""The machines of a torture: a client with two network cards, a server, and one between them.

    client (this namespace)      netns enbd-srv           netns enbd-mid

    enbda 10.77.1.1 ------------ 10.77.1.2 peera
                                 10.77.9.9 enbd-server
                                 10.77.3.2 mid ---------- 10.77.3.1 midp
    enbdb 10.77.2.1 ------------------------------------- 10.77.2.2 peerb
                                                          10.77.9.9 ghost-proxy

Both cards lead to 10.77.9.9: over enbda that is the server itself, over enbdb
the proxy in front of it.
"""

import json
import os
import signal
import socket
import subprocess
import time

from netns import Netns

PORT = 10809
ADDRESS = "10.77.9.9"
PATHS = {"enbda": "10.77.1.1", "enbdb": "10.77.2.1"}


class World:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.disk = os.path.join(folder, "disk")
        self.control = os.path.join(folder, "ghost.sock")
        self.env = {**os.environ, "ENBD_RUN_DIR": os.path.join(folder, "run")}
        os.makedirs(self.env["ENBD_RUN_DIR"], exist_ok=True)
        self.server = self.proxy = self.monitor = None
        self.name = None
        self.client = Netns()
        self.srv = Netns("enbd-srv")
        self.mid = Netns("enbd-mid")
        self.wire_up()

    def wire_up(self):
        client, srv, mid = self.client, self.srv, self.mid
        client.ip("link", "add", "enbda", "type", "veth", "peer", "name", "peera", "netns", srv.name)
        client.ip("link", "add", "enbdb", "type", "veth", "peer", "name", "peerb", "netns", mid.name)
        srv.ip("link", "add", "mid", "type", "veth", "peer", "name", "midp", "netns", mid.name)
        for ns, device, address in ((client, "enbda", "10.77.1.1/24"), (client, "enbdb", "10.77.2.1/24"),
                                    (srv, "peera", "10.77.1.2/24"), (mid, "peerb", "10.77.2.2/24"),
                                    (srv, "mid", "10.77.3.2/24"), (mid, "midp", "10.77.3.1/24"),
                                    (srv, "lo", ADDRESS + "/32"), (mid, "lo", ADDRESS + "/32")):
            ns.ip("addr", "add", address, "dev", device)
            ns.ip("link", "set", device, "up")
        self.routes("enbda")
        self.routes("enbdb")

    def routes(self, device):
        """They go when the client's own end of a link goes down."""
        via, metric = ("10.77.1.2", "1") if device == "enbda" else ("10.77.2.2", "2")
        self.client.ip("route", "replace", ADDRESS + "/32", "via", via, "dev", device, "metric", metric, "onlink")

    # ---- programs

    def log(self, name):
        return open(os.path.join(self.folder, name + ".log"), "ab")

    def start_server(self):
        if self.options.server == "nbdkit":
            command = ["nbdkit", "-f", "-p", str(PORT), "file", self.disk]
        else:
            command = ["enbd-server", str(PORT), self.disk, "-f"]
        with self.log("server") as log:
            self.server = self.srv.popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)

    def stop_server(self, number):
        if number == signal.SIGTERM:
            self.server.terminate()
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                raise RuntimeError("the server does not end after SIGTERM") from None
        else:
            self.server.kill()
            self.server.wait()

    def start_proxy(self):
        with self.log("proxy") as log:
            self.proxy = self.mid.popen(
                ["ghost-proxy", "--listen", f"{ADDRESS}:{PORT}", "--to", f"10.77.3.2:{PORT}",
                 "--control", self.control], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ghost(self, *words):
        """A command for the proxy; None if it refuses."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.control)
            s.send(" ".join(words).encode())
            answer = b""
            while True:
                data = s.recv(65536)
                if not data:
                    break
                answer += data
        text = answer.decode()
        return text[2:].strip() if text.startswith("ok") else None

    def ghost_links(self, *states):
        """Ports of the proxy's connections in one of the STATES, with how much each holds."""
        links = [link.split(":") for link in (self.ghost("list") or "").split()]
        return [(port, int(held)) for port, state, held in links if state in states]

    def start_monitor(self):
        with self.log("monitor") as log:
            self.monitor = subprocess.Popen(["enbdctl", "monitor", "--max-backoff", "0.5"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.env)

    def enbdctl(self, *words, limit=60):
        """(exit status, output)"""
        done = subprocess.run(["enbdctl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.env, timeout=limit, check=False)
        return done.returncode, done.stdout.strip()

    # ---- the device

    def connect(self, channels, *more):
        binds = [word for device in PATHS for word in ("--bind", device)]
        status, text = self.enbdctl("connect", f"nbd://{ADDRESS}:{PORT}", "-n", str(channels), *binds, *more)
        if status:
            raise RuntimeError(f"enbdctl connect: {text}")
        self.name = text.splitlines()[-1].replace("/dev/", "")
        return "/dev/" + self.name

    def attribute(self, path):
        try:
            with open(f"/sys/block/{self.name}/{path}", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def channels(self):
        """{index: (state, path, port)} of all channels."""
        found = {}
        for entry in os.listdir(f"/sys/block/{self.name}"):
            if not entry.startswith("channel"):
                continue
            address, _, port = self.attribute(entry + "/local").rpartition(":")
            path = next((p for p, a in PATHS.items() if a == address), "")
            found[int(entry[7:])] = (self.attribute(entry + "/state"), path, port)
        return found

    def live(self):
        return sum(state == "live" for state, _path, _port in self.channels().values())

    def status(self):
        status, text = self.enbdctl("status", "--json", "/dev/" + self.name)
        return json.loads(text)["devices"][0] if not status else {}

    def close(self):
        for process in (self.monitor, self.proxy, self.server):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.client.ip("link", "del", "enbda")
        self.client.ip("link", "del", "enbdb")
        self.srv.remove()
        self.mid.remove()


def wait_until(seconds, condition, nap=0.005):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(nap)
    return True
