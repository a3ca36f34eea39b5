"""Base tables judge only what arrived, and are then what judging all files at once gives."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import arrivals
from tests.arrivals import Dbt, differences

CALLS = "interaction_id,channel,started_at,talk_seconds,hold_count,transfer_count,_loaded_at,_deleted"
ANSWERS = "response_id,question_id,survey_type,aspect,responded_at,score,_loaded_at"
COSTS = "cost_date,campaign_id,cost_amount,_loaded_at"
SCORES = "review_id,criterion,scored_at,score,_loaded_at"
RATES = "rate_date,from_currency,to_currency,rate,_loaded_at"
PRODUCTS = "product_id,product_name,_loaded_at,_deleted"
NOTHING, BY_KEY, WHOLE = 0, 1, 2  # by how many versions a table moves on


@dataclass
class Company:
    """Some raw tables, and a database with their base tables that is kept from run to run.

    Attributes:
        dbt: dbt, which has read the project.
        folder: for the raw files and databases.
        tables: the raw tables.
        vars: of the next run.
        runs: how many there were.
    """

    dbt: Dbt
    folder: Path
    tables: tuple[str, ...]
    vars: dict[str, Any] = field(default_factory=lambda: {"as_of": "2026-03-01 12:00:00"})
    runs: int = 0

    @property
    def raw(self) -> Path:
        """The raw directory."""
        return self.folder / "raw"

    @property
    def kept(self) -> Path:
        """The database that is kept."""
        return self.folder / "kept" / "warehouse.duckdb"

    def write(self, name: str, header: str, *rows: str, modified: str = "2026-02-20") -> None:
        """Write a file `<table>/<name>.csv`, changed last at `modified`."""
        path = self.raw / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *rows]) + "\n")
        seconds = datetime.fromisoformat(modified).replace(tzinfo=UTC).timestamp()
        os.utime(path, (seconds, seconds))

    def remove(self, name: str) -> None:
        """Take a file away."""
        (self.raw / f"{name}.csv").unlink()

    @property
    def models(self) -> list[str]:
        """The models to run."""
        return ["stg_raw__as_of", *(f"base_raw__{table}" for table in self.tables)]

    def run(self, *ways: int) -> None:
        """Run dbt on the kept database and, but for the first run, on a new one, and compare them.

        Args:
            ways: by how many versions each table must move on.
        """
        self.runs += 1
        self.dbt.raw = self.raw
        versions, rows = self.versions(), {table: self.rows(table) for table in self.tables}
        fresh = self.folder / f"fresh{self.runs}" / "warehouse.duckdb"
        for database in (self.kept, fresh):
            database.parent.mkdir(exist_ok=True)
        databases = [self.kept, fresh] if self.runs > 1 else [self.kept]
        waits = [self.dbt.start(database, self.vars, self.models) for database in databases]
        assert [wait() for wait in waits] == [()] * len(databases)
        if fresh in databases:
            assert differences(self.kept, fresh, {}) == []
        for table, way, before, after in zip(self.tables, ways, versions, self.versions(), strict=True):
            assert (table, after - before) == (table, way)
            if way == BY_KEY:
                gone, come = rows[table] - self.rows(table), self.rows(table) - rows[table]
                assert Counter(self.query(f"from changes.base_raw__{table}")) == gone + come

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the kept database."""
        with duckdb.connect(str(self.kept), read_only=True) as con:
            return con.execute(sql).fetchall()

    def rows(self, table: str) -> Counter[tuple[Any, ...]]:
        """The rows of a base table; none before the first run."""
        return Counter(self.query(f"from staging.base_raw__{table}") if self.kept.exists() else ())

    def versions(self) -> list[int]:
        """The versions of the base tables; 0 before the first run."""
        known = dict(self.query("select name, version from kept.nodes") if self.kept.exists() else ())
        return [known.get(f"model.outside_in.base_raw__{table}", 0) for table in self.tables]


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt, which has read the project."""
    folder = tmp_path_factory.mktemp("dbt")
    return Dbt(folder, folder, everything=False)


def test_versions_of_a_key_arrive_in_any_order(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("interactions", "products"))
    company.write(
        "interactions/b", CALLS,
        "i1,phone,2026-02-01 09:00,10,1,0,2026-02-10,",
        "i2,phone,2026-02-01 09:00,10,1,0,2026-02-10,",
        "i3,phone,2026-02-01 09:00,10,1,0,2026-02-10,",
        ",phone,2026-02-01 09:00,10,1,0,2026-02-10,",
    )  # fmt: skip
    company.write("products/b", PRODUCTS, "p1,chair,2026-02-10,", "p2,table,2026-02-10,")
    company.run(WHOLE, WHOLE)
    company.run(NOTHING, NOTHING)

    company.write("interactions/older", CALLS, "i1,phone,2026-02-01 09:00,99,9,9,2026-02-09,")
    company.write("interactions/c_same", CALLS, "i2,phone,2026-02-01 09:00,10,1,0,2026-02-10,")
    company.write("interactions/a_same", CALLS, "i3,phone,2026-02-01 09:00,10,1,0,2026-02-10,")
    company.write("products/removed", PRODUCTS, "p1,,2026-02-11,true", "p3,,2026-02-11,true")
    company.run(BY_KEY, BY_KEY)
    verdicts = "select interaction_id, _file, row_verdict from staging.base_raw__interactions where _file like '%same%'"
    assert sorted(company.query(verdicts)) == [
        ("i2", "interactions/c_same.csv", "accepted"),
        ("i3", "interactions/a_same.csv", "superseded"),
    ]
    (arrived,) = company.query("select sql from duckdb_views() where view_name = 'interactions__arrived'")
    assert "c_same.csv" in arrived[0] and "interactions/b.csv" not in arrived[0]  # old files are not read

    company.write("products/again", PRODUCTS, "p1,armchair,2026-02-12,", "p3,lamp,2026-02-10,")
    company.write("products/late", PRODUCTS, "p1,stool,2026-02-10 12:00,")
    company.run(NOTHING, BY_KEY)
    accepted = "select product_id, product_name from staging.base_raw__products where row_verdict = 'accepted'"
    assert sorted(company.query(accepted)) == [("p1", "armchair"), ("p2", "table")]


def test_files_are_replaced_and_go(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("interactions", "campaign_costs"))
    latest = "i1,phone,2026-02-01 09:00,20,1,0,,"
    company.write(
        "interactions/a", CALLS, "i1,phone,2026-02-01 09:00,10,1,0,2026-02-10,", ",phone,2026-02-01 09:00,,,,,"
    )
    company.write("interactions/b", CALLS, latest, ",phone,2026-02-01 09:00,,,,,", "i2,,,5,5,5,,")
    company.write("interactions/c", CALLS, "i9,phone,2026-02-09 09:00,10,1,0,2026-02-10,")
    company.write(
        "campaign_costs/a", COSTS, "2026-02-01,c1,10,2026-02-02", "2026-02-01,,10,2026-02-02", ",,,2026-02-02"
    )
    company.write(
        "campaign_costs/b", COSTS, "2026-02-01,c1,11,2026-02-03", "2026-02-01,,10,2026-02-03", ",,,2026-02-03"
    )
    company.run(WHOLE, WHOLE)

    company.write("interactions/b", CALLS, latest, modified="2026-02-09")  # now older than the other; two rows are gone
    company.remove("campaign_costs/b")
    company.run(BY_KEY, BY_KEY)
    company.write(
        "interactions/b", CALLS, latest, modified="2026-02-08"
    )  # landed earlier still, and superseded as before
    company.run(BY_KEY, NOTHING)
    company.write("interactions/b", CALLS, "i3,phone,2026-02-01 09:00,20,x,0,,")
    company.write("campaign_costs/b", COSTS, "2026-02-01,c1,11,2026-02-03", "2026-02-01,,10,2026-02-03")
    company.run(BY_KEY, BY_KEY)
    (company.raw / "interactions/b.csv").write_bytes(b"\xff\xfe")  # cannot be read: set aside
    company.run(BY_KEY, NOTHING)
    assert company.query("select count(*) from staging.base_raw__interactions") == [(3,)]
    for name in ("a", "b"):
        company.remove(f"campaign_costs/{name}")
    company.run(NOTHING, BY_KEY)
    assert company.query("select count(*) from staging.base_raw__campaign_costs") == [(0,)]


def test_as_of_moves_on_and_back(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("interactions", "campaign_costs"))
    company.write(
        "interactions/a", CALLS,
        "i1,phone,2026-02-01 09:00,10,1,0,2026-02-10,",
        "i1,phone,2026-03-05 09:00,20,1,0,2026-02-11,",
        "i2,phone,2026-03-09 09:00,,,,2026-02-10,",
        "i3,phone,2026-02-28 09:00,,,,2026-02-28,",
        "i4,,2026-03-05 09:00,,,,2026-02-28,",
    )  # fmt: skip
    company.write("campaign_costs/a", COSTS, "2026-03-05,c1,10,2026-02-02")
    company.run(WHOLE, WHOLE)
    company.vars["as_of"] = "2026-03-05 09:00:00"
    company.run(BY_KEY, BY_KEY)
    company.vars["as_of"] = "2026-02-20 00:00:00"
    company.write("interactions/b", CALLS, "i1,phone,2026-02-01 09:00,10,1,0,2026-02-12,")
    company.run(BY_KEY, BY_KEY)
    del company.vars["as_of"]  # the latest time that is not over a day after its landing
    company.run(BY_KEY, NOTHING)
    assert company.query("select as_of from staging.stg_raw__as_of") == [(datetime(2026, 2, 28, 9),)]
    company.write(
        "interactions/c", CALLS, "i5,phone,2026-03-07 00:00,,,,2026-03-06,", "i6,phone,2026-03-07 00:01,,,,2026-03-06,"
    )
    company.run(BY_KEY, BY_KEY)
    assert company.query("select as_of from staging.stg_raw__as_of") == [(datetime(2026, 3, 7),)]
    company.remove("interactions/c")
    company.run(BY_KEY, BY_KEY)


def test_ties_are_settled_by_what_base_holds(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("interactions",))
    steps = (["-1,5,", ",6,"], ["-3,6,"], ["-2,6,", "-1,6,"], [",7,x", ",7,"], [",7,y"])
    for number, versions in enumerate(steps):
        for version in versions:
            company.write(f"interactions/{number}{version}", CALLS, f"i1,phone,2026-02-01 09:00,{version},2026-02-10,")
        company.run(BY_KEY if number else WHOLE)
    accepted = "select removed_values from staging.base_raw__interactions where row_verdict = 'accepted'"
    assert company.query(accepted) == [('{"transfer_count":"y"}',)]


def test_unreadable_marks_of_a_row_are_kept_beside_it(dbt: Dbt, tmp_path: Path) -> None:
    """And a column of any name may stand beside them."""
    company = Company(dbt, tmp_path, ("interactions",))
    header = "interaction_id,channel,started_at,_loaded_at,_deleted,_path,_file"
    company.write("interactions/a", header, "i1,phone,2026-02-01,soon,perhaps,x,y")
    company.run(WHOLE)
    found = company.query("select row_verdict, removed_values, _file from staging.base_raw__interactions")
    assert found == [("accepted", '{"_loaded_at":"soon","_deleted":"perhaps"}', "interactions/a.csv")]


def test_currencies_are_of_one_spelling(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("campaign_costs", "exchange_rates"))
    company.write("campaign_costs/a", f"{COSTS},currency", "2026-02-01,c1,10,2026-02-02,eur ", "2026-02-02,c1,9,,")
    company.write("exchange_rates/a", RATES, "2026-02-01,usd,EUR,0.8,2026-02-02", "2026-02-01,GBP,EUR,1.1,2026-02-02")
    company.run(WHOLE, WHOLE)
    company.write("exchange_rates/b", RATES, "2026-02-01,USD,eur,0.9,2026-02-03")
    company.run(NOTHING, BY_KEY)
    assert company.query("select currency from staging.base_raw__campaign_costs order by 1") == [("EUR",), (None,)]
    rates = "select from_currency, to_currency, rate from staging.base_raw__exchange_rates"
    accepted = company.query(f"{rates} where row_verdict = 'accepted' order by rate")
    assert accepted == [("USD", "EUR", 0.9), ("GBP", "EUR", 1.1)]


def test_keys_of_several_columns_may_have_nulls(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("survey_responses", "quality_reviews"))
    company.write(
        "survey_responses/a", ANSWERS, "r1,,NPS,,2026-02-01,9,2026-02-10", "r1,,nps,,2026-02-01,,2026-02-10", ",,,,,,"
    )
    company.write("quality_reviews/a", SCORES, "q1,,2026-02-01,50,2026-02-10", "q1,tone,2026-02-01,50,2026-02-10")
    company.run(WHOLE, WHOLE)
    company.write("survey_responses/b", ANSWERS, "r1,nps:overall,other,,2026-02-01,99,2026-02-11", ",,,,,,")
    company.write(
        "quality_reviews/b", SCORES, "q1,,2026-02-01,60,2026-02-11", "q2,,2026-02-01,60,2026-02-11", ",tone,,,"
    )
    company.run(BY_KEY, BY_KEY)
    company.write(
        "survey_responses/b", ANSWERS, "r1,,csat,,2026-02-01,99,2026-02-11", "r1,,nps,,2026-02-01,9,2026-02-12"
    )
    company.remove("quality_reviews/b")
    company.run(BY_KEY, BY_KEY)


def test_another_reading_judges_all_rows(dbt: Dbt, tmp_path: Path) -> None:
    company = Company(dbt, tmp_path, ("campaign_costs", "products"))
    company.write("campaign_costs/a", COSTS, "2026-03-01,c1,10,2026-03-01 18:00", "2026-03-02,c1,10,2026-03-01 18:00")
    company.write("products/a", PRODUCTS, "p1,chair,2026-02-10,")
    company.vars = {}
    company.run(WHOLE, WHOLE)
    company.vars["reporting_timezone"] = "America/New_York"  # where 2 March begins within a day of its landing
    company.run(WHOLE, NOTHING)


@pytest.mark.parametrize(
    "statement", ["insert into kept.files", "delete from kept.nodes where name = 'model.outside_in.base"]
)
def test_a_stopped_run_leaves_a_table_before_or_after(
    dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    company = Company(dbt, tmp_path, ("interactions",))
    company.write("interactions/a", CALLS, "i1,phone,2026-02-01 09:00,10,1,0,2026-02-10,")
    company.run(WHOLE)
    company.write("interactions/b", CALLS, "i1,phone,2026-02-01 09:00,20,1,0,2026-02-11,")

    def kill(event: Any) -> None:
        if event.info.name == "SQLQuery" and statement in event.data.sql:
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(arrivals, "ending", lambda *_: kill)
    assert dbt.start(company.kept, company.vars, company.models, end=("killed", 0))() == ("killed",)
    company.run(BY_KEY)
