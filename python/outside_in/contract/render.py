"""Write the dbt files that repeat the contract, so that nobody has to keep them in step by hand.

`python -m outside_in.contract.render` writes them; `rendered()` is what a test compares with the files.
"""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from outside_in.contract import FOLDER, LANDED_AT, Kpi, RawTable, kpis, raw_tables

ROOT = FOLDER.parents[2]
NOTE = "Written by `python -m outside_in.contract.render` from the contract; change it there."


def _dump(content: dict[str, Any]) -> str:
    return f"# {NOTE}\n" + yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True)


def _source_table(table: RawTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "description": descriptions()["tables"][table.name],
        "columns": [
            {"name": column, "data_type": kind, "description": describe(table.name, column)}
            for column, kind in table.columns.items()
        ],
    }


@cache
def descriptions() -> dict[str, Any]:
    """Texts of the raw tables and columns: `tables`, `columns`, and `exceptions` by table and column."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "descriptions.yml").read_text("utf-8"))
    return loaded


def describe(table: str, column: str) -> str:
    """What a raw column means: its own text in this table, else the text of its name."""
    texts = descriptions()
    text: str = texts["exceptions"].get(table, {}).get(column) or texts["columns"][column]
    return text


# Columns of a key that staging shows without addresses and numbers (`typed_texts` in macros/staging/accepted_rows.sql).
TYPED_TEXTS = ("page_path", "query")


def sources() -> str:
    """`models/staging/sources.yml`: the raw tables as dbt sources, with every column's type and text."""
    source = {
        "name": "raw",
        "schema": "raw",
        "description": "What a company landed: one view per table of the raw contract, over the files of RAW_DIR.",
        "tables": [_source_table(table) for table in raw_tables().values()],
    }
    return _dump({"version": 2, "sources": [source]})


def _key_tests(table: RawTable) -> dict[str, Any]:
    """A single key is unique; a compound one is checked as a whole."""
    # Two erased customers who shared an identity are the same nobody.
    if len(table.key) == 1 or table.name == "customer_identities":
        return {}
    test: dict[str, Any] = {"arguments": {"columns": list(table.key)}}
    # Two texts from which an address or a number was taken out may look the same, as may two unknown codes.
    apart = [f"coalesce({name}, '') not like '%***%'" for name in table.key if name in TYPED_TEXTS]
    apart += [f"coalesce({name}, '') <> 'unknown'" for name in table.key if name in table.codes]
    if apart:
        test["config"] = {"where": " and ".join(apart)}
    return {"data_tests": [{"unique_together": test}]}


def _staging_columns(table: RawTable) -> list[dict[str, Any]]:
    columns = []
    for name, kind in table.columns.items():
        column: dict[str, Any] = {"name": name, "data_type": kind, "description": describe(table.name, name)}
        # An erased customer's rows stay without the customer.
        is_erasable = name == "customer_id" and table.name != "customers"
        tests: list[Any] = ["not_null"] if name in table.required and not is_erasable else []
        if table.key == (name,):
            tests.append("unique")
        if name in table.codes:
            tests.append({"accepted_values": {"arguments": {"values": sorted({*table.codes[name], "unknown"})}}})
        if tests:
            column["data_tests"] = tests
        columns.append(column)
    landed = "When the row was landed, in UTC; the file's own time where the row says nothing."
    if {"customer_id", "click_id"} <= {*table.columns}:
        erased = "Whether the customer it names asked to be erased; it is then nobody's."
        columns.append({"name": "is_of_erased_customer", "data_type": "boolean", "description": erased})
    return [*columns, {"name": LANDED_AT, "data_type": "timestamp", "description": landed}]


def staging_properties(table: RawTable) -> str:
    """`models/staging/stg_raw__<table>.yml`: the accepted rows, column by column."""
    key = ", ".join(table.key)
    model = {
        "name": f"stg_raw__{table.name}",
        "description": f"{descriptions()['tables'][table.name]} Accepted rows only, one per {key}.",
        **_key_tests(table),
        "columns": _staging_columns(table),
    }
    return _dump({"version": 2, "models": [model]})


def base_properties(table: RawTable) -> str:
    """`models/staging/base/base_raw__<table>.yml`: every landed row with its verdict."""
    added = {
        LANDED_AT: ("timestamp", "When the row was landed, in UTC."),
        "_deleted": ("boolean", "True in a tombstone: the key was removed."),
        "_file": ("varchar", "File it came from, below RAW_DIR."),
        "row_verdict": ("varchar", "accepted, rejected, superseded, deleted or future."),
        "reject_reason": (
            "varchar",
            "Which required column is missing or unreadable; null for other verdicts.",
        ),
        "removed_values": (
            "varchar",
            "JSON object of unreadable or impossible values, null here; null for none.",
        ),
    }
    columns = [
        {"name": name, "data_type": kind, "description": describe(table.name, name)}
        for name, kind in table.columns.items()
    ]
    columns += [{"name": name, "data_type": kind, "description": text} for name, (kind, text) in added.items()]
    model = {
        "name": f"base_raw__{table.name}",
        "description": f"Every landed row of {table.name}, with what became of it.",
        "columns": columns,
    }
    return _dump({"version": 2, "models": [model]})


def _dictionary_row(position: int, kpi: Kpi) -> dict[str, str | int]:
    return {
        "position": position,
        "kpi_id": kpi.kpi_id,
        "name": kpi.name,
        "question": kpi.question,
        "unit": kpi.unit,
        "better": kpi.better,
        "formula": kpi.formula,
        "counted_on": kpi.counted_on,
        "needs": ", ".join(kpi.needs),
    }


def dictionary_seed() -> str:
    """`seeds/kpi_dictionary.csv`: one row per KPI of the dictionary."""
    rows = [_dictionary_row(position, kpi) for position, kpi in enumerate(kpis().values(), start=1)]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def dictionary_properties() -> str:
    """`seeds/kpi_dictionary.yml`: the seed's columns."""
    columns = {
        "position": ("bigint", "Place in the dictionary."),
        "kpi_id": ("varchar", "The KPI's public name."),
        "name": ("varchar", "What people call it."),
        "question": ("varchar", "The customer's question it belongs to."),
        "unit": ("varchar", "Unit of the value."),
        "better": ("varchar", "Direction in which it gets better: up, down or neutral."),
        "formula": ("varchar", "The definition."),
        "counted_on": ("varchar", "The event whose date puts a row in a period."),
        "needs": (
            "varchar",
            "Raw tables without which it is not attainable; alternatives are joined by `or`.",
        ),
    }
    seed = {
        "name": "kpi_dictionary",
        "description": "The KPI dictionary: one row per KPI, as the contract defines it.",
        "config": {
            "column_types": {name: kind for name, (kind, _) in columns.items()},
        },
        "columns": [{"name": name, "description": text} for name, (_, text) in columns.items()],
    }
    seed["columns"][1]["data_tests"] = ["unique", "not_null"]  # type: ignore[index]
    return _dump({"version": 2, "seeds": [seed]})


def definitions() -> str:
    """`models/kpis.md`: a doc block per KPI, for column descriptions, metrics and the docs site."""
    blocks = [
        f"{{% docs {kpi.kpi_id} %}}\n**{kpi.name}** ({kpi.unit}): {kpi.formula}\nCounted on: {kpi.counted_on}."
        f" Better: {kpi.better}.\n{{% enddocs %}}\n"
        for kpi in kpis().values()
    ]
    return "\n".join(blocks)


def _as_macro(name: str, text: str, entries: dict[str, Any]) -> str:
    lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
    return (
        f"{{#- {text}\n    {NOTE} -#}}\n{{% macro {name}() %}}\n{{{{ return({{\n{lines}\n}}) }}}}\n{{% endmacro %}}\n"
    )


def raw_contract_macro() -> str:
    """`macros/sql/raw_contract.sql`: the raw tables where models can read them while dbt still parses."""
    return _as_macro(
        "raw_contract",
        "The raw tables: key, required columns, own time, column types, accepted codes.",
        {
            table.name: {
                "key": table.key,
                "required": table.required,
                "own_time": table.own_time or "",
                "columns": table.columns,
                "codes": table.codes,
            }
            for table in raw_tables().values()
        },
    )


def kpi_dictionary_macro() -> str:
    """`macros/kpi/kpi_dictionary.sql`: the dimensions and needed raw tables of each KPI."""
    return _as_macro(
        "kpi_dictionary",
        "Every KPI's dimensions, and the raw tables it needs (each a list of alternatives).",
        {kpi.kpi_id: {"by": kpi.by, "needs": kpi.needed_tables} for kpi in kpis().values()},
    )


def rendered() -> dict[Path, str]:
    """Every file that is written from the contract, by path, with its text."""
    staging = ROOT / "models/staging"
    return {
        ROOT / "models/staging/sources.yml": sources(),
        ROOT / "seeds/kpi_dictionary.csv": dictionary_seed(),
        ROOT / "seeds/kpi_dictionary.yml": dictionary_properties(),
        ROOT / "models/kpis.md": definitions(),
        ROOT / "macros/sql/raw_contract.sql": raw_contract_macro(),
        ROOT / "macros/kpi/kpi_dictionary.sql": kpi_dictionary_macro(),
        **{staging / f"stg_raw__{table.name}.yml": staging_properties(table) for table in raw_tables().values()},
        **{staging / f"base/base_raw__{table.name}.yml": base_properties(table) for table in raw_tables().values()},
    }


def main() -> None:
    """Write them."""
    for path, text in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
