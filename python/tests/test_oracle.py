"""The oracle against the real cases' expected values, and against cases small enough to count by hand."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.oracle import Key, Row, compute

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
CASES = [
    *(("cdnow_sample", "vars.yml", "expected.csv", ""), ("olist", "vars.yml", "expected.csv", "")),
    *(("prepbench_nps", "vars.yml", "expected.csv", ""), ("pwc_calls", "vars.yml", "expected.csv", "")),
    *(
        ("r_survey_2018", "vars.yml", "expected.csv", ""),
        ("thunderbird_2023", "vars.yml", "expected.csv", ""),
    ),
    ("firefox_snapshots", "vars.yml", "expected.csv", ""),
    ("firefox_snapshots", "vars_day7.yml", "expected_day7.csv", "2024-09-07.parquet"),
]
NUMBERED = {"hour_of_day", "day_of_week", "months_since_first_order"}


def key_of(row: dict[str, str]) -> Key:
    """The key of a row of expected.csv."""
    dimension, member = row["dimension_name"], row["dimension_value"]
    member = "overall" if dimension == "overall" else str(int(member)) if dimension in NUMBERED else member
    return row["kpi_id"], row["period_grain"], date.fromisoformat(row["period_start"]), dimension, member


def mismatch(expected: dict[str, str], found: Row | None) -> str | None:
    """What is wrong with `found`, if anything."""
    if not expected["value"]:
        return None if found is None else f"expected no row, found {found}"
    if found is None:
        return "no row"
    relative = float(expected["tolerance"]) / max(abs(float(expected["value"])), 1e-3)
    for name, got in (
        ("value", found.value),
        ("numerator", found.numerator),
        ("denominator", found.denominator),
    ):
        if expected[name]:
            want = float(expected[name])
            limit = max(abs(want), 1e-3) * relative if name == "value" else max(abs(want) * relative, 1e-9)
            if got is None or not abs(got - want) <= limit:
                return f"{name} expected {want!r}, found {got!r}"
    return None


@pytest.mark.parametrize(("case", "vars_file", "expected_file", "last_file"), CASES)
def test_real_case(case: str, vars_file: str, expected_file: str, last_file: str, tmp_path: Path) -> None:
    """Every row of expected.csv is in the oracle's answer, and every row that must not be there is not."""
    folder = REAL / case
    if not folder.is_dir():
        pytest.skip(f"{case} is not here")
    raw = folder / "raw"
    if last_file:
        raw = tmp_path / "raw"
        for path in sorted((folder / "raw").glob("*/*")):
            if path.name <= last_file:
                (raw / path.parent.name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, raw / path.parent.name / path.name)
    found = compute(raw, yaml.safe_load((folder / vars_file).read_text("utf-8")))
    with (folder / expected_file).open(newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    wrong = [(key_of(row), text) for row in expected if (text := mismatch(row, found.get(key_of(row))))]
    assert not wrong, f"{len(wrong)} of {len(expected)}: {wrong[:10]}"
