# SPDX-License-Identifier: GPL-2.0
"""Judges a guest's kernel log: what in it means that something is wrong."""

import re

BEGIN = "enbd-vm: the test begins"
OVER = "enbd-vm: the test is over"

BAD = re.compile(
    r"\bBUG\b|\bWARNING:|\bKASAN\b|\bUBSAN\b|\bKCSAN\b|\bOops\b|\bODEBUG\b"
    r"|possible (circular|recursive) locking|inconsistent lock state"
    r"|possible irq lock inversion|lock order inversion|suspicious RCU usage"
    r"|bad unlock balance|held lock freed|still has locks held|Invalid wait context"
    r"|INFO: task .* blocked|\bhung\b|detected stalls?|self-detected stall"
    r"|kmemleak: \d+ new suspected|Kernel panic|general protection fault"
    r"|refcount_t: |list_(add|del) corruption|unregister_netdevice: waiting"
    r"|Objects remaining|Call Trace:")

# A trace that was asked for: fault injection shows where it struck.
HARMLESS_TRACE = re.compile(r"FAULT_INJECTION: forcing a failure")

# "Call Trace:" follows a headline and lines that name CPU, hardware and so on.
HEADER_REACH = 16


def _headline(lines, at):
    """The line that says what the call trace at index `at` is about."""
    for i in range(at - 1, max(-1, at - HEADER_REACH), -1):
        if re.search(r"\bCPU: \d+.*\b(PID|Comm): ", lines[i]):
            return "\n".join(lines[max(0, i - 3):i])
    return lines[at - 1] if at else ""


def after_begin(text):
    """The lines of the log since the test began, none when it never did."""
    lines = text.replace("\r", "").split("\n")
    for i, line in enumerate(lines):
        if BEGIN in line:
            return lines[i + 1:]
    return []


def complaints(text, allow=()):
    """Yields (index, lines) of what is bad. `allow`: patterns of lines, or of
    headlines of call traces, that the test provokes on purpose."""
    lines = after_begin(text)
    allowed = [re.compile(a) for a in allow]
    for i, line in enumerate(lines):
        if not BAD.search(line):
            continue
        about = line
        if "Call Trace:" in line:
            about = _headline(lines, i)
            if HARMLESS_TRACE.search(about):
                continue
        if any(a.search(about) or a.search(line) for a in allowed):
            continue
        yield i, lines


def report(text, allow=(), before=5, after=45, over=False):
    """The first complaint with its context as text, or None. A log that does not
    say where the test begins or, with `over`, where it was over is not whole: who
    knows what it does not tell."""
    for i, lines in complaints(text, allow):
        part = lines[max(0, i - before):i + after]
        return "kernel log: %s\n%s" % (lines[i].strip(), "\n".join("  " + p for p in part))
    for mark in (BEGIN, OVER) if over else (BEGIN,):
        if mark not in text:
            return "kernel log: not whole: it does not say \"%s\"" % mark
    return None
