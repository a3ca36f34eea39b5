"""Real public data give the values that were computed from them independently, through the command a user runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REAL_CASES, Built, build

CASES = ["r_survey_2018", "thunderbird_2023", "pwc_calls", "prepbench_nps", "cdnow_sample", "olist"]
pytestmark = pytest.mark.skipif(not REAL_CASES.exists(), reason="the real cases are not beside the project")


def check(case: Path, built: Built, expected: str = "expected.csv") -> None:
    """Every expected row must be there with its value."""
    database = built.out / "published" / "warehouse.duckdb"
    done = subprocess.run(
        [sys.executable, str(REAL_CASES / "check_case.py"), str(case), str(database), "--expected", expected],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CASES)
def test_case_matches(name: str, tmp_path: Path) -> None:
    case = REAL_CASES / name
    built = build(case / "raw", tmp_path / "out", case / "vars.yml")
    check(case, built)
    with built.marts as con:
        assert con.execute("select bool_and(is_balanced) from marts.data_quality_reconciliation").fetchall() == [
            (True,)
        ]


def test_files_that_arrive_later_bring_the_marts_up_to_date(tmp_path: Path) -> None:
    """Built after seven daily files and again after all of them, in one output directory: each state as expected."""
    case, raw = REAL_CASES / "firefox_snapshots", tmp_path / "raw"
    (raw / "tickets").mkdir(parents=True)
    files = sorted((case / "raw" / "tickets").glob("*.parquet"))
    for file in files:
        if file.stem <= "2024-09-07":
            shutil.copy2(file, raw / "tickets")
    check(case, build(raw, tmp_path / "out", case / "vars_day7.yml"), "expected_day7.csv")
    for file in files:
        shutil.copy2(file, raw / "tickets")
    check(case, build(raw, tmp_path / "out", case / "vars.yml"))
