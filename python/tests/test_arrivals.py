"""Files that arrive one by one end in the marts that all of them at once give. `OUTSIDE_IN_SOAK=1` lands each alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outside_in.paths import Output
from outside_in.publishing import KEPT, states
from tests.conftest import REAL_CASES, build, outside_in
from tests.publishing_cases import SOAK, contents

CASE = REAL_CASES / "firefox_snapshots"


@pytest.mark.skipif(not CASE.exists(), reason="the real cases are not beside the project")
def test_daily_snapshots_landed_one_by_one_are_one_full_load(tmp_path: Path) -> None:
    raw, out, vars_file = tmp_path / "raw", tmp_path / "out", CASE / "vars.yml"
    (raw / "tickets").mkdir(parents=True)
    files = sorted((CASE / "raw" / "tickets").glob("*.parquet"))
    landings = range(len(files)) if SOAK else (0, 6, len(files) - 1)
    for number, file in enumerate(files):
        shutil.copy2(file, raw / "tickets")
        if number in landings:
            build(raw, out, vars_file)
    one_by_one = contents(out / "published" / "warehouse.duckdb")
    at_once = build(CASE / "raw", tmp_path / "at-once", vars_file)
    assert one_by_one == contents(at_once.out / "published" / "warehouse.duckdb")

    again = outside_in("build", "--raw-dir", raw, "--out", out, "--vars-file", vars_file)
    assert again.returncode == 0 and "nothing new" in again.stdout and "validating" not in again.stdout
    kept = states(Output(out))
    assert [state.number for state in kept] == list(range(1, len(landings) + 1))[-KEPT - 1 :]
