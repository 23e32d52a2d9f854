# SPDX-License-Identifier: GPL-2.0
"""What can go wrong: each kind of fault is a method of Faults, which may leave something to be undone later."""

import signal
import time

from world import PATHS, PORT

LINKS = (("client", "enbda"), ("client", "enbdb"), ("srv", "peera"), ("mid", "peerb"), ("srv", "mid"), ("mid", "midp"))

# How often, relative to each other
WEIGHTS = {
    "reset_client": 18, "reset_server": 12, "reset_between": 4,
    "ghost_write": 14, "ghost_middle": 6, "ghost_silent": 6,
    "blackhole": 9, "delay": 8, "link_down": 6, "own_link_down": 2,
    "filter_drop": 5, "filter_reset": 4, "filter_refuse": 4,
    "server_killed": 4, "server_ended": 3, "server_stopped": 4,
    "channel_del": 3, "channel_add": 3, "monitor_killed": 3,
}
GHOSTS = {"ghost_write": 3, "ghost_middle": 1}


class Faults:
    """Takes the world, the random numbers, and a function note(text)."""

    def __init__(self, world, random, note):
        self.world = world
        self.random = random
        self.note = note
        self.later = []         # (when, key, function) to undo
        self.busy = set()       # keys that are under a fault now

    # ---- undoing

    def undo_after(self, seconds, key, function):
        self.busy.add(key)
        self.later.append((time.monotonic() + seconds, key, function))

    def undo_due(self, everything=False):
        now = time.monotonic()
        due = [entry for entry in self.later if everything or entry[0] <= now]
        self.later = [entry for entry in self.later if entry not in due]
        # What is done now may leave something for later again.
        for _when, key, function in due:
            self.busy.discard(key)
            function()

    def next_due(self):
        return min((entry[0] for entry in self.later), default=None)

    def some_time(self, low=0.02, high=0.4):
        """Mostly short, now and then longer than it takes to notice."""
        if self.random.random() < 0.15:
            high *= 4
        return self.random.uniform(low, high)

    # ---- kinds of faults; each returns what it did, or None if it could do nothing

    def inject(self, kind):
        return getattr(self, kind)()

    def reset_in(self, ns):
        connections = ns.connections(PORT)
        if not connections:
            return None
        tcp = self.random.choice(connections)
        if not ns.reset(tcp):
            return None
        return f"{ns.name or 'client'} {tcp.source}:{tcp.sport} - {tcp.destination}:{tcp.dport}"

    def reset_client(self):
        return self.reset_in(self.world.client)

    def reset_server(self):
        return self.reset_in(self.world.srv)

    def reset_between(self):
        return self.reset_in(self.world.mid)

    def ghost(self, how, cut):
        """Keep a write back, end the client's side, deliver it later or never."""
        world = self.world
        ports = [port for port, _held in world.ghost_links("open")]
        if not ports or "proxy" in self.busy:
            return None
        port = self.random.choice(ports)
        world.ghost("hold", port, how)
        end = time.monotonic() + 0.25
        while time.monotonic() < end:
            if any(p == port and held for p, held in world.ghost_links("held", "ghost")):
                break
            time.sleep(0.002)
        else:
            world.ghost("release", port)
            return None
        world.ghost("cut", port, cut)
        if self.random.random() < 0.2:
            act, after = "drop", self.some_time(0.0, 0.5)
        else:
            act, after = "release", self.random.choice((0.0, 0.005, 0.05, 0.2, 1.0, 3.0)) * self.random.random()
        self.undo_after(after, f"ghost {port}", lambda: self.let_go(act, port))
        return f"port {port} held {how}, cut {cut}, {act} after {after:.3f} s"

    def let_go(self, act, port):
        answer = self.world.ghost(act, port)
        self.note(f"ghost {port}: {act}: {answer}")

    def ghost_write(self):
        return self.ghost("write", self.random.choice(("rst", "fin")))

    def ghost_middle(self):
        return self.ghost("middle", self.random.choice(("rst", "fin")))

    def ghost_silent(self):
        return self.ghost(self.random.choice(("write", "middle")), "silent")

    def free_link(self):
        links = [link for link in LINKS if link not in self.busy]
        return self.random.choice(links) if links else None

    def blackhole(self):
        link = self.free_link()
        if not link:
            return None
        ns = getattr(self.world, link[0])
        ns.netem(link[1], loss=1.0)
        after = self.some_time(0.02, 0.3)
        self.undo_after(after, link, lambda: ns.no_netem(link[1]))
        return f"{link[0]} {link[1]} for {after:.3f} s"

    def delay(self):
        link = self.free_link()
        if not link:
            return None
        ns = getattr(self.world, link[0])
        late = self.random.uniform(1, 40)
        ns.netem(link[1], delay_ms=late)
        after = self.some_time(0.05, 0.4)
        self.undo_after(after, link, lambda: ns.no_netem(link[1]))
        return f"{link[0]} {link[1]} {late:.0f} ms for {after:.3f} s"

    def filter(self, what, high, connection=True):
        """One of the machines does WHAT with that which comes in, of a connection or to get one."""
        name = self.random.choice(("client", "srv", "mid"))
        ns = getattr(self.world, name)
        connections = ns.connections(PORT)
        if not connections or ("filter", name) in self.busy:
            return None
        tcp = self.random.choice(connections)
        if connection:
            match = f"tcp sport {tcp.dport} tcp dport {tcp.sport}"
        else:
            match = f"tcp dport {PORT} tcp flags & (syn | ack) == syn"
        ns.nft(f"{match} {what}")
        after = self.some_time(0.02, high)
        self.undo_after(after, ("filter", name), ns.nft)
        return f"{name}: {match} {what} for {after:.3f} s"

    def filter_drop(self):
        """One direction of one connection is dead."""
        return self.filter("drop", 0.4)

    def filter_reset(self):
        """Whoever sends is reset, and the other end hears nothing of it."""
        return self.filter("reject with tcp reset", 0.1)

    def filter_refuse(self):
        """Those that are there go on, but nobody gets a new connection."""
        how = self.random.choice(("drop", "reject with tcp reset", "reject with icmpx admin-prohibited"))
        return self.filter(how, 0.4, connection=False)

    def link_goes(self, link, up_again):
        ns = getattr(self.world, link[0])
        ns.link(link[1], False)
        after = self.some_time(0.02, 0.2)
        self.undo_after(after, link, up_again)
        return f"{link[0]} {link[1]} for {after:.3f} s"

    def link_down(self):
        link = self.free_link()
        if not link or link[0] == "client":
            return None
        return self.link_goes(link, lambda: getattr(self.world, link[0]).link(link[1], True))

    def own_link_down(self):
        links = [link for link in LINKS if link[0] == "client" and link not in self.busy]
        if not links:
            return None
        link = self.random.choice(links)

        def up_again():
            self.world.client.link(link[1], True)
            self.world.routes(link[1])
        return self.link_goes(link, up_again)

    def server_goes(self, number, name):
        if "server" in self.busy:
            return None
        self.world.stop_server(number)
        after = self.random.choice((0.0, 0.0, self.some_time(0.0, 0.3)))
        if after:
            self.undo_after(after, "server", self.world.start_server)
        else:
            self.world.start_server()
        return f"{name}, back after {after:.3f} s"

    def server_killed(self):
        return self.server_goes(signal.SIGKILL, "SIGKILL")

    def server_ended(self):
        return self.server_goes(signal.SIGTERM, "SIGTERM")

    def server_stopped(self):
        if "server" in self.busy:
            return None
        self.world.server.send_signal(signal.SIGSTOP)
        after = self.some_time(0.02, 0.3)
        self.undo_after(after, "server", lambda: self.world.server.send_signal(signal.SIGCONT))
        return f"SIGSTOP for {after:.3f} s"

    def channel_del(self):
        """What was removed does not come back by itself."""
        channels = self.world.channels()
        places = [index for index, (state, _path, _port) in channels.items() if state == "live"]
        if len(places) < 2 or "channel" in self.busy:
            return None
        index = self.random.choice(places)
        status, text = self.world.enbdctl("channel", "del", "/dev/" + self.world.name, str(index))
        after = self.some_time()
        self.undo_after(after, "channel", lambda: self.put_back(channels[index][1]))
        return f"{index}: {text or status}, again after {after:.3f} s"

    def put_back(self, path):
        """The network may be under a fault, too; and a lost channel's place is taken first."""
        if len(self.world.channels()) >= 4:
            return
        status, text = self.world.enbdctl("channel", "add", "/dev/" + self.world.name, "--bind", path,
                                          "--handshake-timeout", "2")
        self.note(f"channel put back over {path}: {text}")
        if status or len(self.world.channels()) < 4:
            self.undo_after(0.1, "channel", lambda: self.put_back(path))

    def channel_add(self):
        if len(self.world.channels()) >= 6:
            return None
        path = self.random.choice(sorted(PATHS))
        status, text = self.world.enbdctl("channel", "add", "/dev/" + self.world.name, "--bind", path,
                                          "--handshake-timeout", "2")
        return f"over {path}: {text or status}"

    def monitor_killed(self):
        if not self.world.monitor:
            return None
        self.world.monitor.kill()
        self.world.monitor.wait()
        self.world.start_monitor()
        return "SIGKILL"
