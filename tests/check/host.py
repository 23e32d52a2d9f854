# SPDX-License-Identifier: GPL-2.0
"""The checks that need no guest: static ones, unit tests, fuzzers."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .tap import Result, TapReader


running = set()


def start(command, **options):
    """Start a program in a process group of its own, known to stop_all()."""
    proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    running.add(proc)
    return proc


def stop_all(number, _frame):
    """Signal handler: end everything that was started, then this program."""
    for proc in list(running):
        try:
            os.killpg(proc.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    os._exit(128 + number)


def run_logged(command, log, limit, env=None):
    """Run COMMAND with its output in LOG. Returns its exit status, 124 at the limit."""
    with log.open("wb") as out:
        proc = start(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        try:
            return proc.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(proc.pid, signal.SIGKILL)
            proc.wait()
            return 124
        finally:
            running.discard(proc)


def tap_program(report, group, name, command, limit=600, env=None):
    """Run a program that prints TAP and report it."""
    result = Result(group, name)
    log = report.log_path(group, name)
    start = time.monotonic()
    status = run_logged(command, log, limit, env)
    reader = TapReader(result)
    for line in log.read_text(errors="replace").splitlines():
        reader.feed(line)
    if status == 124:
        result.fail(f"still running after {limit} s")
    else:
        reader.finish(status)
    result.seconds = time.monotonic() - start
    report.add(result)


def build(report, group, target):
    """Build a make target; a failure counts as one failed test."""
    result = Result(group, f"make {target}")
    log = report.log_path(group, f"make-{target}")
    start = time.monotonic()
    if run_logged(["make", "--no-print-directory", "-k", "-j2", target], log, 1200):
        result.fail("does not build")
        for line in [l for l in log.read_text(errors="replace").splitlines() if "rror" in l][:8]:
            report.note(line)
    else:
        result.passed = 1
    result.seconds = time.monotonic() - start
    report.add(result)
    return result.ok


def lint(report):
    for test in sorted(Path("tests/lint").glob("*.t")):
        tap_program(report, "lint", test.stem, [str(test)], limit=900)


def unit(report):
    build(report, "unit", "unit")
    env = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "ASAN_OPTIONS": "detect_leaks=1",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
    for source in sorted(Path("tests/unit").glob("test_*.c")):
        program = Path("build/unit") / source.stem
        if program.exists():
            tap_program(report, "unit", source.stem, [str(program)], limit=300, env=env)


def fuzz_one(report, source, seconds):
    program = Path("build/fuzz") / source.stem
    if not program.exists():
        return
    result = Result("fuzz", source.stem)
    log = report.log_path("fuzz", source.stem)
    work = log.with_suffix(".d")
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    command = [str(program.resolve()), f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=10",
               f"-artifact_prefix={work.resolve()}/", "-print_final_stats=1", str(corpus.resolve())]
    seeds = source.with_suffix(".corpus")
    if seeds.is_dir():
        command.append(str(seeds.resolve()))
    start = time.monotonic()
    status = run_logged(command, log, seconds + 120)
    if status:
        reasons = [l for l in log.read_text(errors="replace").splitlines() if "ERROR" in l or "SUMMARY" in l]
        result.fail("; ".join(reasons[:2]) or f"exit status {status}")
    else:
        result.passed = 1
    result.seconds = time.monotonic() - start
    report.add(result)


def fuzz(report):
    seconds = int(os.environ.get("FUZZ_SECONDS", "5"))
    build(report, "fuzz", "fuzz")
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(fuzz_one, report, source, seconds)
                       for source in sorted(Path("tests/fuzz").glob("fuzz_*.c"))]:
            future.result()
