# SPDX-License-Identifier: GPL-2.0
"""TAP tests inside guests: many tests in one boot, the rest in another when a guest dies."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path

from . import host
from .tap import Result, TapReader

RUN = "tests/vm/run"
RUNNER = "tests/check/guest-runner"
MAX_BOOTS = 8
# Exit statuses of tests/vm/run: the guest did not come up; its kernel complained
NOT_UP = 98
COMPLAINT = 99
# Longest life of a guest in seconds; each test has its own, shorter limit
GUEST_LIMIT = {"uml": 2400, "uml-debug": 2400}
EMULATED_LIMIT = 2400
# What a group of tests/core.list that is not a kernel means
OPTIONS = {"proof": ("uml", ["--trixie"]), "smp": ("uml-debug", ["--cpus", "2"])}

CORE_LIST = Path("tests/core.list")


def all_tests(kernel):
    """All, but for those that say in a line "# kernels: NAME..." where they can run."""
    tests = sorted(p for d in ("tests/t", "tests/interop") for p in Path(d).glob("*.t")
                   if os.access(p, os.X_OK))
    return [str(p) for p in tests if kernel in kernels_of(p, kernel)]


def kernels_of(test, default):
    match = re.search(r"^# kernels: *(.*)$", test.read_text(), re.M)
    return match.group(1).split() if match else [default]


def core_tests(group, core=True):
    """The tests of tests/core.list for a group, in its order; CORE: those for everybody as well."""
    tests = []
    for line in CORE_LIST.read_text().splitlines():
        words = line.split("#")[0].split()
        if words and (group in words[1:] or core and len(words) == 1):
            tests.append(f"tests/{'' if '/' in words[0] else 't/'}{words[0]}.t")
    return tests


class Boot:
    """One boot of a guest that runs a list of tests."""

    def __init__(self, report, group, tests, name):
        self.report = report
        self.group = group
        self.kernel, self.options = OPTIONS.get(group, (group, []))
        self.left = list(tests)
        self.log = report.log_path(group, name)
        self.kernel_log = report.log_path(group, name + "-kernel")
        self.result = None
        self.reader = None
        self.test_log = None
        self.began = 0.0
        self.first = None       # last words of the machine before the first test
        self.finished = False   # the runner came to its end
        self.failed = False

    def begin(self, name):
        self.result = Result(self.group, name)
        self.reader = TapReader(self.result)
        self.test_log = self.report.log_path(self.group, name).open("w", errors="replace")
        self.began = time.monotonic()

    def end(self, status=None, lost=None):
        if lost:
            self.result.fail(lost)
        elif status in (124, 137):
            self.result.fail("took longer than its time limit")
        else:
            self.reader.finish(status)
        self.result.seconds = time.monotonic() - self.began
        self.left.remove(self.result.name)
        self.failed = self.failed or not self.result.ok
        self.test_log.close()
        self.report.add(self.result)
        self.result = None

    def line(self, text):
        marker = re.match(r"^#:(begin|end|reboot|done) ?(\S*) ?(\d*)", text)
        if not marker:
            if self.result:
                self.test_log.write(text)
                self.reader.feed(text)
            return
        kind, name, status = marker.groups()
        if kind == "begin":
            self.first = name
            self.begin(name)
        elif kind == "end" and self.result:
            self.end(int(status))
        elif kind in ("reboot", "done"):
            self.finished = True

    def run(self):
        limit = GUEST_LIMIT.get(self.kernel, EMULATED_LIMIT)
        command = [RUN, "--kernel", self.kernel, "--timeout", str(limit),
                   "--keep-log", str(self.kernel_log), *self.options,
                   "--", RUNNER] + self.left
        with self.log.open("wb") as log:
            proc = host.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            said = []
            errors = threading.Thread(target=self.progress, args=(proc.stderr, log, said))
            errors.start()
            for raw in proc.stdout:
                log.write(raw)
                log.flush()
                self.line(raw.decode(errors="replace"))
            status = proc.wait()
            errors.join()
            host.running.discard(proc)
        if self.result:
            why = [line for line in said if line.startswith(RUN)] or said or ["no message"]
            self.end(lost=f"the guest ended during this test (status {status}): {why[-1]}")
        return status, said

    def progress(self, stream, log, said):
        """The machine's own messages: the long steps are worth showing."""
        for raw in stream:
            log.write(raw)
            text = raw.decode(errors="replace").rstrip()
            if text:
                said.append(text)
                del said[:-40]
            if text.startswith("vm: "):
                self.report.note(f"{self.group}: {text[4:].removeprefix(self.kernel + ': ')}")


def run_tests(report, group, tests, name="guest"):
    """Run all TESTS of GROUP, a kernel or one of OPTIONS, in as few boots as it takes.

    NAME tells several such runs apart."""
    left = list(tests)
    for number in range(1, MAX_BOOTS + 1):
        if not left:
            return
        boot = Boot(report, group, left, f"{name}-boot{number}")
        status, said = boot.run()
        if boot.first is None and status == NOT_UP and number == 1:
            continue
        if boot.first is None:
            machine(report, group, "boots and runs a command", said or [f"status {status}"])
            return
        if status == COMPLAINT and boot.finished and not boot.failed:
            # The tests were content, the kernel was not
            machine(report, group, "ends with a clean kernel log", said)
        left = boot.left
    if left:
        machine(report, group, f"gets through the tests in {MAX_BOOTS} boots", left)


def machine(report, group, what, words):
    result = Result(group, "the guest")
    result.fail(what + ": " + " | ".join(words[-6:]))
    report.add(result)
