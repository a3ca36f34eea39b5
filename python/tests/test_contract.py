"""The files written from the contract are as the contract has it, and every KPI of it is built."""

from __future__ import annotations

import pytest
import yaml

from outside_in.contract import FOLDER, kpis, raw_tables, read
from outside_in.contract.render import descriptions, rendered
from outside_in.paths import PROJECT
from tests.conftest import Built

PUBLIC_CONTRACT = PROJECT.parent / "shared" / "contract"
# It needs minimum_sample answers in two channels of one topic.
TOO_SMALL_A_COMPANY = {("channel_consistency_gap", "topic")}


def test_rendered_files_say_what_the_contract_says() -> None:
    stale = [path.name for path, text in rendered().items() if path.read_text("utf-8") != text]
    assert not stale, "run `python -m outside_in.contract.render`"


@pytest.mark.skipif(not PUBLIC_CONTRACT.exists(), reason="the public contract is not beside the project")
@pytest.mark.parametrize("name", ["raw", "kpis", "marts"])
def test_contract_drops_nothing_of_the_public_one(name: str) -> None:
    public = yaml.safe_load((PUBLIC_CONTRACT / f"{name}.yml").read_text("utf-8"))
    ours = read(name)
    section = {"raw": "tables", "kpis": "kpis", "marts": "marts"}[name]
    for key, entry in public[section].items():
        assert ours[section][key] == entry, f"{name}.yml: {key} differs from the public contract"


def test_every_raw_column_is_described() -> None:
    texts = descriptions()
    for table in raw_tables().values():
        assert texts["tables"][table.name] != table.name
        for column in table.columns:
            text = texts["exceptions"].get(table.name, {}).get(column) or texts["columns"][column]
            assert text != column, f"{table.name}.{column} is not described"


def test_own_time_is_a_time_of_its_table() -> None:
    for table in raw_tables().values():
        if table.own_time:
            assert table.columns[table.own_time] in ("timestamp", "date")
    assert raw_tables()["service_holidays"].own_time is None


def test_every_kpi_of_the_dictionary_is_in_kpi_values(built_sample: Built) -> None:
    """The sample has every raw table, so every KPI must have rows there: none is silently empty."""
    with built_sample.marts as con:
        found = {row[0] for row in con.execute("select distinct kpi_id from marts.kpi_values").fetchall()}
        missing = con.execute("select kpi_id from marts.kpi_catalog where not is_attainable").fetchall()
    assert found == set(kpis())
    assert not missing


def test_every_dimension_of_the_dictionary_is_in_kpi_values(built_sample: Built) -> None:
    with built_sample.marts as con:
        found = set(con.execute("select distinct kpi_id, dimension_name from marts.kpi_values").fetchall())
    wanted = {(kpi.kpi_id, name) for kpi in kpis().values() for name in kpi.by}
    assert not wanted - found - TOO_SMALL_A_COMPANY


def test_contract_files_are_in_the_package() -> None:
    assert {path.name for path in FOLDER.glob("*.yml")} == {
        "raw.yml",
        "kpis.yml",
        "marts.yml",
        "descriptions.yml",
    }
