"""The public contract: what goes in (`raw.yml`), what each KPI means (`kpis.yml`), what comes out (`marts.yml`).

Everything that depends on the contract (dbt sources, staging column lists, input expectations, the KPI catalogue, the
docs) reads it here or is written from here, so that it is stated once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
LANDED_AT = "_loaded_at"
DELETED = "_deleted"
FILE_KINDS = ("parquet", "csv", "csv.gz", "json", "jsonl")


@dataclass(frozen=True)
class RawTable:
    """One input table.

    Attributes:
        name: folder name below the raw directory.
        key: columns that identify a row.
        required: columns that must be there and readable; a row without one is rejected.
        columns: column name to type (varchar, bigint, double, boolean, date, timestamp, decimal(18,4)), in contract
            order, without `_loaded_at` and `_deleted`.
        codes: coded column name to its accepted values (lower case).
        notes: the contract's remarks.
    """

    name: str
    key: tuple[str, ...]
    required: tuple[str, ...]
    columns: dict[str, str]
    codes: dict[str, tuple[str, ...]]
    notes: str

    @property
    def own_time(self) -> str | None:
        """The column that says when the row happened; None for a table that is never in the future."""
        if self.name == "service_holidays":
            return None
        for column in self.required:
            if self.columns[column] in ("timestamp", "date"):
                return column
        return "linked_at" if "linked_at" in self.columns else None


@dataclass(frozen=True)
class Kpi:
    """One entry of the KPI dictionary; `by` are its dimensions, `needs` its raw tables as the dictionary says them."""

    kpi_id: str
    name: str
    question: str
    unit: str
    better: str
    formula: str
    counted_on: str
    needs: tuple[str, ...]
    by: tuple[str, ...]

    @property
    def needed_tables(self) -> tuple[tuple[str, ...], ...]:
        """Each entry is a group of alternatives, of which one is enough: `tickets or interactions` is one group."""
        return tuple(tuple(need.split(" or ")) for need in self.needs)


def read(name: str) -> dict[str, Any]:
    """The parsed contract file `name` (raw, kpis or marts)."""
    loaded: dict[str, Any] = yaml.load((FOLDER / f"{name}.yml").read_text("utf-8"), Loader=_FastLoader)
    return loaded


_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def raw_tables() -> dict[str, RawTable]:
    """The input tables by name, in contract order."""
    return {
        name: RawTable(
            name=name,
            key=tuple(entry["key"]),
            required=tuple(entry["required"]),
            columns={column: kind.replace(" ", "") for column, kind in entry["columns"].items()},
            codes={column: tuple(codes) for column, codes in entry.get("codes", {}).items()},
            notes=" ".join(str(entry.get("notes", "")).split()),
        )
        for name, entry in read("raw")["tables"].items()
    }


@cache
def kpis() -> dict[str, Kpi]:
    """The KPI dictionary by id, in dictionary order."""
    return {
        kpi_id: Kpi(
            kpi_id=kpi_id,
            name=entry["name"],
            question=entry["question"],
            unit=entry["unit"],
            better=entry["better"],
            formula=" ".join(entry["formula"].split()),
            counted_on=entry["counted_on"],
            needs=tuple(entry["needs"]),
            by=tuple(entry["by"]),
        )
        for kpi_id, entry in read("kpis")["kpis"].items()
    }
