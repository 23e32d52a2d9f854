# SPDX-License-Identifier: GPL-2.0
"""Reading TAP (Test Anything Protocol) and adding results up."""

import re

LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)\s*(?:(?<!\\)#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*SKIP\S*\s*(.*))?$", re.I)


class Result:
    """What one test program said, and what became of it."""

    def __init__(self, group, name):
        self.group = group
        self.name = name
        self.passed = 0
        self.seconds = 0.0
        self.failures = []
        self.skips = []

    @property
    def ok(self):
        return not self.failures

    def fail(self, text):
        self.failures.append(text)

    def summary(self):
        parts = [f"{self.passed} passed"]
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        if self.skips:
            parts.append(f"{len(self.skips)} skipped")
        return ", ".join(parts)


class TapReader:
    """Fed with the lines of one program; finish() judges plan and exit status."""

    def __init__(self, result):
        self.result = result
        self.planned = None
        self.seen = 0
        self.bailed = False

    def feed(self, line):
        line = line.rstrip("\r\n")
        plan = PLAN.match(line)
        if plan:
            self.planned = int(plan.group(1))
            if self.planned == 0:
                self.result.skips.append(plan.group(2) or "no reason given")
            return
        if line.startswith("Bail out!"):
            self.bailed = True
            self.result.fail(line)
            return
        match = LINE.match(line)
        if not match:
            return
        bad, number, text, directive, reason = match.groups()
        self.seen += 1
        if number and int(number) != self.seen:
            self.result.fail(f"test number {number} where {self.seen} was due")
            self.seen = int(number)
        directive = (directive or "").upper()
        if directive == "SKIP":
            self.result.skips.append(f"{text}: {reason}" if text else reason)
        elif bad and directive == "TODO":
            self.result.skips.append(f"{text}: not expected to work yet: {reason}")
        elif bad:
            self.result.fail(text or f"test {self.seen}")
        else:
            self.result.passed += 1

    def finish(self, status):
        """STATUS is the exit status, negative for a signal."""
        if self.bailed:
            return
        before = len(self.result.failures)
        if self.planned is None:
            self.result.fail(f"no plan at the end (exit status {status})")
        elif self.planned != self.seen:
            self.result.fail(f"{self.planned} tests planned, {self.seen} seen (exit status {status})")
        elif status and not before:
            self.result.fail(f"exit status {status} although no test failed")
