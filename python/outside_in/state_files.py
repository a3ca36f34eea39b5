"""Write the files of one published state: what has not changed since a kept state is taken from there.

The private database numbers the versions of its tables and knows which rows the last step changed (macros/kept). A mart
of the same version as in an earlier state is that state's; one that is a step further differs by those rows; any other
is written anew. `versions.json` beside the files says which versions they are, and of which private database.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from outside_in.limits import memory_limit
from outside_in.validation.inspection import literal, quote

MARTS = "marts"
BUILT = "warehouse"  # the name the build's views know their own database by
DATABASE = "warehouse.duckdb"
PARQUET = "parquet"
VERSIONS = "versions.json"
MOST_FREE = 0.5  # of the used blocks of a database file; more is room that nothing will need again


@dataclass(frozen=True)
class Written:
    """What the files are of.

    Attributes:
        as_of: the instant the numbers are of, as ISO text in UTC; empty where there are no data.
        tables: how many marts there are; none where nothing was built.
        erased: a digest of who had asked to be erased.
    """

    as_of: str
    tables: int
    erased: str


@dataclass(frozen=True)
class Versions:
    """Which versions of the marts a state has.

    Attributes:
        database: the private database that counts them; empty where it counts none.
        erased: a digest of who had asked to be erased: rows that were deleted may still be in a file, so nothing is
            taken from files of before another erasure.
        tables: mart to version.
        keys: mart to the columns by which its rows are replaced, none where it is kept as a whole; not stored.
    """

    database: str
    erased: str
    tables: dict[str, int]
    keys: dict[str, list[str]] = field(default_factory=dict)


def write_files(built: Path, draft: Path, earlier: Iterable[Path]) -> Written:
    """Write the marts of a private database as one DuckDB file and as Parquet files.

    Args:
        built: the private database, closed by its writer.
        draft: an empty folder for them.
        earlier: folders of complete states, the best to begin from first.

    Raises:
        duckdb.Error, OSError: a copy failed, of a full disk for example.
    """
    (draft / PARQUET).mkdir(parents=True)
    with duckdb.connect(config={"temp_directory": str(draft / ".spilled"), "memory_limit": memory_limit()}) as con:
        con.execute(f"attach {literal(str(built))} as {BUILT} (read_only)")
        tables = con.execute(
            f"select table_name, comment from duckdb_tables() where database_name = '{BUILT}' and schema_name = ?"
            " order by table_name",
            [MARTS],
        ).fetchall()
        if not tables:
            return Written("", 0, "")
        versions = _versions(con)
        was, folder = _begin(con, draft, versions, earlier)
        for gone in {*was} - {table for table, _ in tables}:
            con.execute(f"drop table draft.{MARTS}.{quote(gone)}")
        for table, comment in tables:
            steps = versions.tables[table] - was[table] if table in was and table in versions.tables else None
            file = draft / PARQUET / f"{table}.parquet"
            if folder and steps == 0:
                _share(folder / PARQUET / file.name, file)
                continue
            if steps == 1 and versions.keys[table]:
                _replace_changed(con, table, versions.keys[table])
            else:
                _write_anew(con, table, comment)
            con.execute(f"copy draft.{MARTS}.{quote(table)} to {literal(str(file))} (format parquet)")
        con.execute("detach draft")
        written = Written(_as_of(con), len(tables), versions.erased)
    shutil.rmtree(draft / ".spilled", ignore_errors=True)
    stored = {"database": versions.database, "erased": versions.erased, "tables": versions.tables}
    (draft / VERSIONS).write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return written


def _begin(
    con: duckdb.DuckDBPyConnection, draft: Path, versions: Versions, earlier: Iterable[Path]
) -> tuple[dict[str, int], Path | None]:
    """Attach the new file as `draft`: a copy of an earlier state's where one can be gone on with.

    Returns:
        The versions of the marts in it, and the folder of the earlier state; none and None for an empty file.
    """
    place = draft / DATABASE
    for folder in earlier if versions.database else ():
        stored = _read_versions(folder)
        if stored is None or (stored.database, stored.erased) != (versions.database, versions.erased):
            continue
        shutil.copyfile(folder / DATABASE, place)
        con.execute(f"attach {literal(str(place))} as draft")
        free, used = con.execute(
            "select free_blocks, used_blocks from pragma_database_size() where database_name = 'draft'"
        ).fetchall()[0]
        if free <= MOST_FREE * used:
            return stored.tables, folder
        con.execute("detach draft")
        place.unlink()
        break
    con.execute(f"attach {literal(str(place))} as draft")
    con.execute(f"create schema draft.{MARTS}")
    return {}, None


def _share(file: Path, place: Path) -> None:
    """Let both states have the same file, which nobody changes; a copy where the file system has no such links."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def _replace_changed(con: duckdb.DuckDBPyConnection, table: str, keys: list[str]) -> None:
    name, columns = f"{MARTS}.{quote(table)}", ", ".join(map(quote, keys))
    changed = f"({columns}) in (select {columns} from {BUILT}.changes.{quote(table)})"
    con.execute(f"delete from draft.{name} where {changed}")
    con.execute(f"insert into draft.{name} by name from {BUILT}.{name} where {changed}")


def _write_anew(con: duckdb.DuckDBPyConnection, table: str, comment: str | None) -> None:
    name = f"{MARTS}.{quote(table)}"
    con.execute(f"create or replace table draft.{name} as from {BUILT}.{name}")
    if comment:
        con.execute(f"comment on table draft.{name} is {literal(comment)}")
    comments = con.execute(
        "select column_name, comment from duckdb_columns() where database_name = ? and schema_name = ?"
        " and table_name = ? and comment is not null",
        [BUILT, MARTS, table],
    ).fetchall()
    for column, text in comments:
        con.execute(f"comment on column draft.{name}.{quote(column)} is {literal(text)}")


def _versions(con: duckdb.DuckDBPyConnection) -> Versions:
    """The versions that the private database has of its marts; none where it was not made by kept tables."""
    erased = _erased(con)
    known = con.execute(
        "select count(*) from duckdb_tables() where database_name = ? and schema_name = 'kept'"
        " and table_name in ('nodes', 'database')",
        [BUILT],
    ).fetchall()
    if known[0][0] < 2:
        return Versions("", erased, {})
    (database,) = con.execute(f"select cast(id as varchar) from {BUILT}.kept.database").fetchall()[0]
    tables = con.execute(
        f"select table_name, version, unique_key from {BUILT}.kept.nodes"
        f" inner join duckdb_tables() on name = 'model.outside_in.' || table_name"
        " where database_name = ? and schema_name = ? order by table_name",
        [BUILT, MARTS],
    ).fetchall()
    return Versions(
        database,
        erased,
        {table: version for table, version, _ in tables},
        {table: json.loads(keys) for table, _, keys in tables},
    )


def _read_versions(folder: Path) -> Versions | None:
    try:
        return Versions(**json.loads((folder / VERSIONS).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _as_of(con: duckdb.DuckDBPyConnection) -> str:
    found = con.execute(f"select cast(as_of as varchar) from {BUILT}.{MARTS}.run_context").fetchall()
    return found[0][0] or "" if found else ""


def _erased(con: duckdb.DuckDBPyConnection) -> str:
    """A digest of the customers and identities that the build treats as erased: equal for equal sets."""
    found = con.execute(
        "select sha256(coalesce(string_agg(name, ',' order by name), '')) from ("
        f" select md5('customer ' || customer_id) as name from {BUILT}.staging.stg_raw__erased_customers"
        f" union select md5('identity ' || identity_value) from {BUILT}.staging.stg_raw__erased_identities)"
    ).fetchall()
    return str(found[0][0])
