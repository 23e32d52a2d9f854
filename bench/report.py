# SPDX-License-Identifier: GPL-2.0
"""Tables (markdown) of what bench/run has measured."""

import statistics

HEADINGS = {
    "randread-4k-qd1": "4k read, QD 1",
    "randwrite-4k-qd1": "4k write, QD 1",
    "randread-4k-qd32": "4k read, QD 32",
    "randwrite-4k-qd32": "4k write, QD 32",
    "read-128k-qd8": "128k read, QD 8",
    "write-128k-qd8": "128k write, QD 8",
}

# The stack that others on the same server are compared with
BASE = "nbd-1@"


class Result:
    """The measured values by stack, cell and round."""

    def __init__(self, data):
        self.data = data
        seen = {r["cell"] for r in data["results"]}
        self.cells = [c for c in data["cells"] if c["name"] in seen]
        self.value = {(r["stack"], r["cell"], r["round"]): r for r in data["results"]}

    def all(self, stack, cell, what):
        """Of every round that has it."""
        values = [r[what] for (s, c, _), r in self.value.items() if s == stack and c == cell]
        return [v for v in values if v is not None]

    def base(self, stack):
        server = stack["server"]
        return BASE + (server if stack["client"] in ("enbd", "nbd") else "enbd-server")

    def ratios(self, stack, cell, what="mb_s"):
        """To the stack it is compared with, of every round that has both."""
        ratios = []
        for (s, c, number), r in self.value.items():
            other = self.value.get((self.base(stack), cell, number))
            if s == stack["name"] and c == cell and other and other[what] and r[what]:
                ratios.append(r[what] / other[what])
        return ratios


def unit(cell):
    """What a cell's rate is told in, and how to call it."""
    return ("iops", "IOPS") if cell["size"] < 65536 else ("mb_s", "MB/s")


def label(stack):
    name, n = stack["client"], stack["connections"]
    if name == "enbd":
        replies = stack.get("replies")
        return "**enbd**, %d channel%s%s" % (n, "s" if n > 1 else "",
                                             ", %s replies" % replies if replies else "")
    if name == "nbd":
        return "nbd.ko, %d connection%s" % (n, "s" if n > 1 else "")
    return {"nvme-tcp": "nvme-tcp", "tcp": "raw TCP (iperf3)"}.get(name, name)


def table(result, heading, content):
    """Rows are stacks, columns cells; content(stack, cell) gives the text."""
    lines = ["| server | client | " + " | ".join(heading(c) for c in result.cells) + " |",
             "|---|---|" + "---:|" * len(result.cells)]
    for stack in result.data["stacks"]:
        if stack["name"] in result.data["skipped"] and \
                not any(r["stack"] == stack["name"] for r in result.data["results"]):
            continue
        row = [stack["server"], label(stack)] + [content(stack, c) for c in result.cells]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def number(value):
    for least, text in ((100, "{:,.0f}"), (10, "{:.1f}")):
        if value >= least:
            return text.format(value)
    return "%.2f" % value


def rates(result):
    def content(stack, cell):
        values = result.all(stack["name"], cell["name"], unit(cell)[0])
        if not values:
            return "-"
        text = number(statistics.median(values))
        ratios = result.ratios(stack, cell["name"])
        if not ratios or stack["name"] == result.base(stack):
            return text
        return "%s (%.2f)" % (text, statistics.median(ratios))
    return table(result, lambda c: "%s, %s" % (HEADINGS[c["name"]], unit(c)[1]), content)


def ranges(result):
    def content(stack, cell):
        values = result.all(stack["name"], cell["name"], unit(cell)[0])
        return "%s - %s" % (number(min(values)), number(max(values))) if values else "-"
    return table(result, lambda c: "%s, %s" % (HEADINGS[c["name"]], unit(c)[1]), content)


def pairs(result, first, second):
    """Medians of two values, "a / b"."""
    def content(stack, cell):
        text = []
        for what in (first, second):
            values = result.all(stack["name"], cell["name"], what)
            text.append(number(statistics.median(values)) if values else "-")
        return "-" if text == ["-", "-"] else " / ".join(text)
    return table(result, lambda c: HEADINGS[c["name"]], content)


def verdict(result):
    """Cells where enbd lost every round to nbd.ko on the same server."""
    lost = []
    for stack in result.data["stacks"]:
        for cell in result.cells:
            ratios = result.ratios(stack, cell["name"])
            if stack["client"] == "enbd" and ratios and max(ratios) < 1:
                lost.append("- %s on %s, %s: %s" % (
                    label(stack), stack["server"], HEADINGS[cell["name"]],
                    ", ".join("%.2f" % r for r in ratios)))
    if not lost:
        return "No cell where enbd was slower than nbd.ko on the same server in every round."
    return "\n".join(["Slower than nbd.ko on the same server in every round:", ""] + lost)


def machine(result):
    d, g, s = result.data, result.data["guest"], result.data["settings"]
    versions = ", ".join(v for v in g["versions"].values() if v)
    lines = [
        "Measured %s%s: guest %s, Linux %s, %d CPU%s, on %s (%d CPUs, load %.1f before)." % (
            d["date"], ", commit " + d["commit"] if d.get("commit") else "", g["name"],
            g["kernel"], g["cpus"], "s" if g["cpus"] > 1 else "", d["host"]["processor"],
            d["host"]["cpus"], d["host"]["load_before"]),
        "%d round%s of %g s a cell; a file of %d MiB on tmpfs; scheduler %s; %s." % (
            s["rounds"], "s" if s["rounds"] > 1 else "", s["seconds"], s["mib"], s["scheduler"],
            versions)]
    for name, why in d["skipped"].items():
        lines.append("Skipped: %s: %s" % (name, why))
    return "\n".join(lines)


def summary(data):
    """What stands in the README."""
    result = Result(data)
    return "\n".join([
        rates(result), "",
        "Medians; in brackets the ratio to nbd.ko with one connection on the same server "
        "(nvme-tcp and raw TCP: on enbd-server).", machine(result)])


def full(data):
    result = Result(data)
    return "\n\n".join([
        summary(data), verdict(result),
        "Lowest and highest:", ranges(result),
        "Latency, us, median / 99th percentile:", pairs(result, "p50_us", "p99_us"),
        "Processor's time for a request, us, whole guest / server process:",
        pairs(result, "cpu_us", "server_cpu_us"),
        "For a request, switches between tasks / TCP segments in both directions:",
        pairs(result, "switches", "segments")])
