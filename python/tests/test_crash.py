"""Killed at any moment, a run leaves one whole state for readers, and the next one ends as if nothing had happened.

`OUTSIDE_IN_SOAK=1` kills at every file operation of publishing and a hundred whole builds; without it a few of each.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from outside_in.paths import Output
from outside_in.publishing import KEPT, publish, published_state, states, tidy
from outside_in.sample import generate
from tests.conftest import build, outside_in
from tests.publishing_cases import SOAK, contents, keep_reading, seen, write_build

# Forked from a process that runs nothing else: quick, and free of this one's threads.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["outside_in.publishing"])
FILE_OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink"}


def publish_until(root: Path, value: int, step: int) -> None:
    """Publish, and be killed right before the `step`-th operation on a file below `root`."""
    steps = count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        mine = event == "shutil.rmtree" or (event in FILE_OPERATIONS and str(arguments[0]).startswith(str(root)))
        if mine and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    publish(Output(root), f"made from {value}")


def publish_and_be_killed(root: Path, value: int, after: float) -> None:
    """Publish, and be killed after some seconds, most likely in the middle of writing a table."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, after)
    publish(Output(root), f"made from {value}")


@contextmanager
def reader(link: Path) -> Iterator[Queue[str | int]]:
    """A process that reads what is published all the while, and tells what it finds."""
    stop, findings = PROCESSES.Event(), PROCESSES.Queue()
    process = PROCESSES.Process(target=keep_reading, args=(link, stop, findings))
    process.start()
    try:
        yield findings
    finally:
        stop.set()
        process.join()


def found(findings: Queue[str | int]) -> list[str | int]:
    """What a stopped reader told."""
    values = []
    while not findings.empty():
        values.append(findings.get())
    return values


def test_publishing_is_all_or_nothing_wherever_it_is_killed(tmp_path: Path) -> None:
    output, moments = Output(tmp_path / "out"), random.Random(1)
    write_build(output, 1)
    publish(output, "made from 1")
    value, step, killed, survived = 1, 0, 0, False
    with reader(output.link) as findings:
        while not survived:
            step += 1 if SOAK else 4
            timed = [(publish_and_be_killed, moments.uniform(0.001, 0.1)) for _ in range(3 if SOAK else 1)]
            for kill, moment in [(publish_until, step), *timed]:
                value += 1
                write_build(output, value)
                process = PROCESSES.Process(target=kill, args=(output.root, value, moment))
                process.start()
                process.join()
                if process.exitcode == 0:
                    survived |= kill is publish_until  # there are no more steps
                    assert seen(output.link) == value
                    continue
                killed += 1
                assert process.exitcode in (-signal.SIGKILL, -signal.SIGALRM)
                assert seen(output.link) in (value - 1, value)
                now = published_state(output)  # and the next run:
                if now and now.fingerprint == f"made from {value}":
                    tidy(output)
                else:
                    publish(output, f"made from {value}")
                assert seen(output.link) == value
                assert {path.name for path in output.states.iterdir()} == {
                    str(state.number) for state in states(output)
                }
                assert [seen(output.states / str(state.number)) for state in states(output)][-1] == value
    kept = states(output)
    assert [state.fingerprint for state in kept] == [f"made from {n}" for n in range(value - KEPT, value + 1)]
    assert [state.number for state in kept] == list(range(value - KEPT, value + 1))
    assert killed >= (100 if SOAK else 10), f"only {killed} kills"
    values = found(findings)
    assert values == sorted(set(values), key=int) and len(values) > 2, values


def test_a_build_killed_at_any_moment_is_repaired_by_the_next(tmp_path: Path) -> None:
    kills, moments = 100 if SOAK else 2, random.Random(2)
    raw, out = tmp_path / "raw", tmp_path / "out"
    generate(raw, customers=20, days=30)
    late = tmp_path / "late"
    shutil.move(raw / "tickets", late)
    before = contents(build(raw, out).out / "published" / "warehouse.duckdb")
    shutil.move(late, raw / "tickets")
    started = time.monotonic()
    after = contents(build(raw, tmp_path / "never-stopped").out / "published" / "warehouse.duckdb")
    duration = time.monotonic() - started
    assert before != after
    done = False
    for number in range(kills):
        command = [sys.executable, "-m", "outside_in.cli", "build", "--raw-dir", str(raw), "--out", str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            time.sleep(moments.uniform(0, duration * 1.1))
            process.kill()
            process.communicate()  # ends when dbt, which writes to the same place, has ended too
        now = contents(out / "published" / "warehouse.duckdb")
        assert now in (before, after), f"kill {number} published something else"
        assert not (done and now == before), f"kill {number} took a state back"
        done = now == after
        if done and number < kills - 1:
            assert outside_in("rollback", "--out", out).returncode == 0
            done = False
    finished = outside_in("build", "--raw-dir", raw, "--out", out)
    assert finished.returncode == 0, finished.stdout
    assert contents(out / "published" / "warehouse.duckdb") == after
    assert [state.number for state in states(Output(out))] == [1, 2]
    assert {path.name for path in (out / "states").iterdir()} == {"1", "2"}
