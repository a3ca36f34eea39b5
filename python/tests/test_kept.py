"""What a run leaves alone: tests of uniqueness look where tables changed, and tables follow the views that changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from outside_in.paths import PROJECT
from outside_in.sample import generate

TABLE = "marts.dim_articles"
TEST = "unique_dim_articles_article_id"
BUILD = ("build", "--exclude-resource-type", "unit_test")
Dbt = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate(tmp_path / "raw", customers=5, days=10)
    return tmp_path


@pytest.fixture
def dbt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Dbt:
    """Run dbt on the kept database, reading the project once; gives what the test ended with.

    `code` replaces the code of models, by their names.
    """
    monkeypatch.setenv("RAW_DIR", str(folder / "raw"))
    monkeypatch.setenv("OUTSIDE_IN_DATABASE", str(folder / "warehouse.duckdb"))
    place = [
        "--quiet", "--no-version-check", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
    ]  # fmt: skip
    parsed: Any = dbtRunner().invoke([*place[:2], "parse", *place[2:]])

    def run(command: str, *arguments: str, **code: str) -> str:
        for name, text in code.items():
            parsed.result.nodes[f"model.outside_in.{name}"].raw_code = text
        done: Any = dbtRunner(manifest=parsed.result).invoke(
            [*place[:2], command, *place[2:], "--select", "+dim_articles", *arguments]
        )
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        return next((str(one.status) for one in done.result if one.node.name == TEST), str(done.exception))

    return run


def test_a_doubled_key_is_found_where_a_run_touched_it(folder: Path, dbt: Dbt) -> None:
    assert dbt(*BUILD) == dbt(*BUILD) == "pass"

    def execute(sql: str) -> None:
        with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
            con.execute(sql)

    # A row that no run has written is none that a build looks at.
    execute(f"insert into {TABLE} from {TABLE} order by article_id limit 1")
    assert dbt(*BUILD) == "pass" and dbt("test") == "fail"
    # One that a run has written is found, by the next run as well.
    execute("create or replace table changes.dim_articles as from marts.dim_articles order by article_id limit 1")
    execute("update kept.nodes set version = version + 1 where name like '%.dim_articles'")
    assert dbt(*BUILD) == dbt(*BUILD) == "fail"
    # What is more than a step further is looked at as a whole.
    execute("create or replace table changes.dim_articles as from marts.dim_articles where false")
    assert dbt(*BUILD) == "pass", "nothing but the changes is looked at"
    execute("update kept.nodes set version = version + 2 where name like '%.dim_articles'")
    assert dbt(*BUILD) == "fail"


def test_what_reads_a_changed_view_is_made_anew(folder: Path, dbt: Dbt) -> None:
    def articles() -> int:
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
            return int(con.execute(f"select count(*) from {TABLE}").fetchall()[0][0])

    code = "{{ accepted_rows('knowledge_articles') }}"
    dbt(*BUILD, stg_raw__knowledge_articles=code)
    assert articles() > 0
    dbt(*BUILD, stg_raw__knowledge_articles=f"select * from ({code}) as accepted where false")
    assert articles() == 0
