"""Damaged inputs of every kind: each does what it must to its own table, and nothing to any other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from outside_in.contract import FILE_KINDS
from outside_in.paths import Output
from outside_in.validation import inspect_files
from tests.conftest import REAL_CASES
from tests.fuzz import KINDS, Company, judge, reconciliation, run

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


# What is not simply accepted in the real cases, and why; everything else is.
EXPLAINED = {
    # Daily snapshots bring a ticket again until the next day: 1017 tickets, each in its latest version.
    "firefox_snapshots": {("tickets", "accepted"): 1017, ("tickets", "duplicate"): 1433},
    # `unavailable` is a status that the contract does not know; its 98 orders stay.
    "olist": {("orders", "unknown"): 98},
}


@pytest.mark.skipif(not REAL_CASES.exists(), reason="the real cases are not beside the project")
def test_real_cases_reconcile_and_what_is_not_accepted_is_explained(tmp_path: Path) -> None:
    for case in sorted(REAL_CASES.glob("*/raw")):
        name = case.parent.name
        as_of = datetime.fromisoformat(yaml.safe_load((case.parent / "vars.yml").read_text("utf-8"))["as_of"])
        output = Output(tmp_path / name)
        assert not judge(case, output, as_of).critical
        counts, _ = reconciliation(output)
        explained = EXPLAINED.get(name, {})
        for table, count in counts.items():
            expected = {"accepted": count["raw"], **{key: n for (of, key), n in explained.items() if of == table}}
            found = {key: n for key, n in count.items() if key != "raw" and n}
            assert found == {key: n for key, n in expected.items() if n}, (name, table)
