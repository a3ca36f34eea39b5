"""Damaged inputs of every kind: each does what it must to its own table, and nothing to any other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outside_in.contract import FILE_KINDS
from outside_in.validation import inspect_files
from tests.fuzz import KINDS, Company, run

WANTED = 200
RUNS = 7


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    """The clean company, prepared once."""
    with tempfile.TemporaryDirectory() as folder:
        found = Company(Path(folder))
        found.prepare()
        yield found


def test_every_damaged_input_becomes_what_it_must(company: Company) -> None:
    trials, wrong = [], []
    for seed in range(RUNS):
        done, failed = run(company, seed)
        trials += done
        wrong += failed
    assert not wrong, "\n".join(wrong)
    assert len(trials) >= WANTED
    assert len({trial.kind for trial in trials}) >= 40 <= len(KINDS)
    assert len({trial.table for trial in trials}) == 35


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(FILE_KINDS), content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_inspection_or_are_repeated_by_it(kind: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tickets" / f"a.{kind}"
        path.parent.mkdir()
        path.write_bytes(content)
        report = inspect_files(Path(folder))
        (file,) = report.files
        told = repr(report.findings())
    assert bool(file.problem) == bool(report.findings()) or "ticket_id" in content.decode("utf-8", "ignore")
    for piece in content.decode("utf-8", "ignore").split():
        assert len(piece) < 12 or piece not in told
