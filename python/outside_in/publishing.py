"""Publish a built warehouse: readers see the old marts or the new ones, never a mixture, and are never blocked."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

MARTS = "marts"


def publish(built: Path, published: Path) -> int:
    """Write the marts of `built` to a new file and put it in the place of `published` in one step.

    Only schema `marts` is published: staging holds what the marts leave out on purpose. Readers that have the old file
    open keep their snapshot; whoever opens the path after the switch sees the new one.

    Args:
        built: the private database, closed by its writer.
        published: the path that readers open; its folder is made if needed.

    Returns:
        The number of tables published.

    Raises:
        ValueError: `built` has no marts.
    """
    published.parent.mkdir(parents=True, exist_ok=True)
    draft = published.with_name(f".{published.name}.draft")
    for leftover in (draft, draft.with_name(draft.name + ".wal")):
        leftover.unlink(missing_ok=True)
    tables = _copy_marts(built, draft)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(published)
    folder = os.open(published.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return tables


def _copy_marts(built: Path, draft: Path) -> int:
    with duckdb.connect() as con:
        con.execute(f"attach {_literal(str(built))} as built (read_only)")
        con.execute(f"attach {_literal(str(draft))} as draft")
        con.execute(f"create schema draft.{MARTS}")
        tables = con.execute(
            "select table_name, comment from duckdb_tables() where database_name = 'built' and schema_name = ?"
            " order by table_name",
            [MARTS],
        ).fetchall()
        if not tables:
            raise ValueError(f"{built} has no tables in schema {MARTS}: build it first")
        for table, comment in tables:
            name = f"draft.{MARTS}.{_quoted(table)}"
            con.execute(f"create table {name} as select * from built.{MARTS}.{_quoted(table)}")
            if comment:
                con.execute(f"comment on table {name} is {_literal(comment)}")
        comments = con.execute(
            "select table_name, column_name, comment from duckdb_columns()"
            " where database_name = 'built' and schema_name = ? and comment is not null",
            [MARTS],
        ).fetchall()
        for table, column, comment in comments:
            name = f"draft.{MARTS}.{_quoted(table)}.{_quoted(column)}"
            con.execute(f"comment on column {name} is {_literal(comment)}")
        con.execute("detach draft")
    return len(tables)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
