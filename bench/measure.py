# SPDX-License-Identifier: GPL-2.0
"""One cell: one load on one stack, and what it cost the machine.

Rates and latencies are fio's. The processor's time is that of the whole
machine (client, network and server are all in it) in a window inside fio's
run, so that starting fio does not count: jiffies that were not idle, divided
by the requests that the disk completed in that window.
"""

import collections
import json
import os
import subprocess
import time

from stacks import HOST, WORK, Skip, read, wait_until

Cell = collections.namedtuple("Cell", "name rw size depth")

CELLS = [
    Cell("randread-4k-qd1", "randread", 4096, 1),
    Cell("randwrite-4k-qd1", "randwrite", 4096, 1),
    Cell("randread-4k-qd32", "randread", 4096, 32),
    Cell("randwrite-4k-qd32", "randwrite", 4096, 32),
    Cell("read-128k-qd8", "read", 128 * 1024, 8),
    Cell("write-128k-qd8", "write", 128 * 1024, 8),
]

TICK_US = 1000000 / os.sysconf("SC_CLK_TCK")


def busy_ticks():
    """Of all processors since boot: user nice system - - irq softirq"""
    f = [int(n) for n in read("/proc/stat").splitlines()[0].split()[1:8]]
    return f[0] + f[1] + f[2] + f[5] + f[6]


def process_ticks(process):
    if not process:
        return 0
    f = read("/proc/%d/stat" % process.pid).rpartition(")")[2].split()
    return int(f[11]) + int(f[12])


def disk_done(disk):
    """Requests completed and sectors moved, reads and writes together."""
    f = [int(n) for n in read("/sys/block/%s/stat" % disk).split()]
    return f[0] + f[4], f[2] + f[6]


def switches():
    """From one task to another since boot."""
    return next(int(line.split()[1]) for line in read("/proc/stat").splitlines()
                if line.startswith("ctxt "))


def segments():
    """Sent by TCP since boot, of both directions on a loopback."""
    names, values = [line.split() for line in read("/proc/net/snmp").splitlines()
                     if line.startswith("Tcp:")]
    return int(values[names.index("OutSegs")])


Sample = collections.namedtuple("Sample", "when wall busy server switches segments ios sectors")


def sample(stack):
    ios, sectors = disk_done(stack.disk) if stack.blocks else (0, 0)
    return Sample(time.monotonic(), time.time(), busy_ticks(), process_ticks(stack.server),
                  switches(), segments(), ios, sectors)


def costs(stack, first, last, ios):
    """Of each of the requests done between two samples."""
    if not ios:
        return dict.fromkeys(("cpu_us", "server_cpu_us", "switches", "segments"))
    return {
        "cpu_us": (last.busy - first.busy) * TICK_US / ios,
        "server_cpu_us": (last.server - first.server) * TICK_US / ios if stack.server else None,
        "switches": (last.switches - first.switches) / ios,
        "segments": (last.segments - first.segments) / ios,
    }


def prepare(stack, scheduler):
    """The same for all: scheduler, largest request, no throttling of writes."""
    stack.queue("scheduler", scheduler)
    stack.queue("max_sectors_kb", 128)
    if stack.queue("wbt_lat_usec") not in (None, "0"):
        stack.queue("wbt_lat_usec", 0)
    facts = {name: stack.queue(name) for name in
             ("scheduler", "max_sectors_kb", "max_hw_sectors_kb", "nr_requests",
              "logical_block_size", "write_cache", "fua")}
    facts["hw_queues"] = stack.hw_queues()
    if "[%s]" % scheduler not in (facts["scheduler"] or ""):
        raise Skip("scheduler %s: %s does not have it" % (scheduler, stack.disk))
    return facts


def window(stack, ramp, seconds):
    """Two samples within a run that has begun."""
    time.sleep(ramp)
    first = sample(stack)
    time.sleep(seconds * 0.9)
    return first, sample(stack)


def run_fio(stack, cell, seconds, ramp):
    out = os.path.join(WORK, "fio.json")
    before = disk_done(stack.disk)[0]
    fio = subprocess.Popen(
        ["fio", "--name=bench", "--filename=/dev/" + stack.disk, "--ioengine=io_uring",
         "--direct=1", "--rw=" + cell.rw, "--bs=%d" % cell.size, "--iodepth=%d" % cell.depth,
         "--norandommap", "--time_based", "--runtime=%dms" % (seconds * 1000),
         "--ramp_time=%dms" % (ramp * 1000), "--lat_percentiles=1", "--clat_percentiles=0",
         "--percentile_list=50:99",
         "--output-format=json", "--output=" + out],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until("fio begins", lambda: disk_done(stack.disk)[0] > before or
                   fio.poll() is not None)
        first, last = window(stack, ramp, seconds)
        text, _ = fio.communicate(timeout=seconds + 30)
    except BaseException:
        fio.kill()
        fio.wait()
        raise
    if fio.returncode:
        raise Skip("fio: " + (text.strip().splitlines() or ["status %d" % fio.returncode])[-1])
    with open(out) as f:
        result = f.read()
    job = json.loads(result[result.index("{"):])["jobs"][0]
    if job["error"]:
        raise Skip("fio: error %d" % job["error"])
    side = job["read" if "read" in cell.rw else "write"]
    ios = last.ios - first.ios
    return {
        "iops": side["iops"],
        "mb_s": side["bw_bytes"] / 1e6,
        "p50_us": side["lat_ns"]["percentile"]["50.000000"] / 1000,
        "p99_us": side["lat_ns"]["percentile"]["99.000000"] / 1000,
        "request_bytes": (last.sectors - first.sectors) * 512 / ios if ios else None,
        "window": [first.wall, last.wall, ios],
        **costs(stack, first, last, ios),
    }


def run_iperf3(stack, cell, seconds, ramp):
    """Reads flow from the server, writes to it; only the sequential cells."""
    client = subprocess.Popen(
        ["iperf3", "-c", HOST, "-p", "5201", "-J", "-l", str(cell.size), "-t",
         str(max(1, round(seconds))), "-O", str(max(1, round(ramp)))] +
        (["-R"] if cell.rw == "read" else []),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        first, last = window(stack, max(1, round(ramp)), seconds)
        text, _ = client.communicate(timeout=seconds + 30)
    except BaseException:
        client.kill()
        client.wait()
        raise
    report = json.loads(text)
    if "error" in report:
        raise Skip("iperf3: " + report["error"])
    rate = report["end"]["sum_received"]["bits_per_second"] / 8
    blocks = rate * (last.when - first.when) / cell.size
    return {
        "iops": None, "mb_s": rate / 1e6, "p50_us": None, "p99_us": None,
        "request_bytes": cell.size, "window": [first.wall, last.wall, blocks],
        **costs(stack, first, last, blocks),
    }


def run_cell(stack, cell, seconds, ramp):
    """Returns the measured values, or None if the stack has no such cell."""
    if stack.blocks:
        return run_fio(stack, cell, seconds, ramp)
    if cell.rw in ("read", "write"):
        return run_iperf3(stack, cell, seconds, ramp)
    return None
