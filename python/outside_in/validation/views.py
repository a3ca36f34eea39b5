"""Typed DuckDB views over the raw files: each table as the contract reads it, without loading it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from outside_in.contract import LANDED_AT, RawTable, raw_tables
from outside_in.validation.inspection import UNTYPED, RawFile, column_types, is_native, literal, quote, scan

# A text as the contract's type.
TYPED = {
    "double": "{number}",
    "bigint": "case when {number} = floor({number}) then try_cast({text} as bigint) end",
    "boolean": """case
        when lower({text}) in ('true', 't', 'yes', 'y', '1', '1.0') then true
        when lower({text}) in ('false', 'f', 'no', 'n', '0', '0.0') then false
    end""",
    "decimal(18,4)": "try_cast({text} as decimal(18,4))",
    # DuckDB takes whatever begins like a date: after one there may be a time.
    "date": """case
        when regexp_matches({text}, '^[0-9]+[-/][0-9]+[-/][0-9]+([T ] *[0-9].*)?$') then try_cast({text} as date)
    end""",
    # Without an offset it is UTC, which is the session's time zone; no place is 15 hours away from it.
    # Names of zones are read apart: DuckDB takes a row's zone for all rows after it that name none. Three letters are
    # no name, but for those of the IANA list without a summer time: BST is Britain's and Bangladesh's. What DuckDB
    # cannot read is tried once more in its own spelling. Words are none: `epoch` would be 1970.
    "timestamp": """case
        when not regexp_matches({text}, '^[A-Za-z]|[+-](1[5-9]|[2-9][0-9]):?[0-9][0-9]$') then coalesce(
            try_cast(case when not regexp_matches({text}, ' [A-Za-z]') then {text} end as timestamptz),
            try_cast(case
                when regexp_matches({text}, ' ([A-Za-z_]+/.|(UTC|GMT|Z|EST|MST|HST)$)') then {text}
            end as timestamptz),
            try_cast(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
                case when not regexp_matches({text}, ' [A-Za-z]') then {text} end,
                ' +([+-][0-9])', '\\1'), 'z$', 'Z'),
                '^([^:]*[0-9]:[0-9]+)(Z|[+-][0-9:]+)$', '\\1:00\\2'),
                '([+-])([0-9]:)', '\\10\\2') as timestamptz)
        ) at time zone 'UTC'
    end""",
}
ZONED = " at time zone 'UTC'"
# What numbers, but those of a key, stay below: a larger one is a slip or a mark for "none", and sums of them would
# overflow. Infinity and NaN are larger than any.
LIMITS = {"double": "1e9", "bigint": "1000000000", "decimal(18,4)": "1000000000000"}
# Columns that hold ids, besides those that end in _id.
IDS = ("identity_value", "old_value", "new_value")
FILE = "_oi_file"
ROW = "_oi_row"


class Column(NamedTuple):
    """How one column of a file is read: its typed value, and whether there is a value that cannot be read."""

    value: str
    unreadable: str  # SQL; 'false' where reading cannot fail


def unreadable(column: str) -> str:
    """The view's column that is true where a value is there and is not of its type."""
    return f"_oi_unreadable_{column}"


def present(table: RawTable, files: Sequence[RawFile]) -> dict[str, bool]:
    """The contract's columns that the files have, in contract order, and whether reading one can fail."""
    return {
        column: any(read.unreadable != "false" for read in reads)
        for column in column_types(table)
        if (reads := [_read(table, column, file) for file in files if _physical(file, column)])
    }


def view(table: RawTable, files: Sequence[RawFile], *, numbered: bool = False) -> str:
    """The SELECT of a table's typed view.

    Args:
        table: its contract.
        files: its readable files, at least one.
        numbered: adds `_oi_row`, a row's number in its file from 1; text files are then read one by one.

    Returns:
        SQL with the columns that are there (codes trimmed and in lower case), `_oi_unreadable_<column>` where
        reading can fail, `_loaded_at` (a file's modification time stands in) and `_oi_file`.
    """
    columns = present(table, files)
    parts = []
    for group in _by_layout(files):
        numbers_itself = group[0].kind == "parquet" and not _physical(group[0], "file_row_number")
        batches = [[file] for file in group] if numbered and not numbers_itself else [group]
        for batch in batches:
            select = []
            for column, can_fail in columns.items():
                read = _read(table, column, batch[0])
                if column != LANDED_AT:
                    select.append(f"{read.value} as {quote(column)}")
                if can_fail:
                    select.append(f"{read.unreadable} as {quote(unreadable(column))}")
            landed = _typed(batch[0], LANDED_AT, "timestamp").value
            newest = max(file.modified for file in batch)
            select.append(f"coalesce({landed}, timestamp {literal(str(newest))}) as {LANDED_AT}")
            select.append(FILE)
            options = [f"filename = {literal(FILE)}"]
            if numbered:
                select.append(f"{'file_row_number + 1' if numbers_itself else 'row_number() over ()'} as {ROW}")
                options += ["file_row_number = true"] if numbers_itself else []
            parts.append(f"select {', '.join(select)} from {scan(batch, *options)}")
    return "\nunion all\n".join(parts)


def landed(table: RawTable, files: Sequence[RawFile]) -> str:
    """The SELECT of a table's rows as the build lands them.

    Args:
        table: its contract.
        files: its readable files; none give no rows.

    Returns:
        SQL with every column of the contract (null where no file has it), `_loaded_at` and `_deleted` as the row has
        them, `_unreadable`, a JSON object of its values that are not of their type (null where all are), and
        `_oi_file`, the path that it was read from.
    """
    types = column_types(table)
    empty = [f"cast(null as {kind}) as {quote(column)}" for column, kind in types.items()]
    text = "cast(null as varchar)"
    parts = [f"select {', '.join(empty)}, {text} as _unreadable, {text} as {FILE} where false"]
    for group in _by_layout(files):
        reads = {column: _typed(group[0], column, kind) for column, kind in types.items()}
        values = [f"{read.value} as {quote(column)}" for column, read in reads.items()]
        told = ", ".join(
            f"case when {reads[column].unreadable} then {literal(json.dumps(column) + ':')}"
            f" || cast(to_json(cast({quote(column)} as varchar)) as varchar) end"
            for column in types
            if reads[column].unreadable != "false"
        )
        unreadable = f"'{{' || nullif(concat_ws(',', {told}), '') || '}}'" if told else text
        source = scan(group, f"filename = {literal(FILE)}")
        parts.append(f"select {', '.join(values)}, {unreadable} as _unreadable, {FILE} from {source}")
    return "\nunion all\n".join(parts)


def in_calendar(value: str, kind: str) -> str:
    """SQL that is true from 1900 to the year 9999: nothing is recorded outside, and calendars begin and end."""
    return f"{value} >= cast('1900-01-01' as {kind}) and {value} < cast('10000-01-01' as {kind})"


def _by_layout(files: Sequence[RawFile]) -> Iterator[list[RawFile]]:
    """The files in groups that one scan reads, in an order of their own."""
    ordered = sorted(files, key=lambda file: (str(file.layout), file.name))
    for _, same in groupby(ordered, key=lambda file: file.layout):
        yield list(same)


def _physical(file: RawFile, column: str) -> str:
    """The DuckDB type of a file's column; empty where it has none of that name."""
    return next((kind for name, kind in file.columns.items() if name.lower() == column), "")


def _read(table: RawTable, column: str, file: RawFile) -> Column:
    read = _typed(file, column, column_types(table)[column])
    if column not in table.codes:
        return read
    code = f"lower(trim({read.value}))"
    # A blank is no code; where there must be one, it is a wrong one.
    return Column(code if column in table.required else f"nullif({code}, '')", read.unreadable)


def _typed(file: RawFile, column: str, kind: str) -> Column:
    """A file's column as the contract's type; text of the right form is accepted, all else is null."""
    physical = _physical(file, column)
    name = quote(column)
    if not physical:
        return Column(f"cast(null as {kind})", "false")
    if kind == "varchar":
        return Column(_as_text(column, physical), "false")
    is_time = kind in ("date", "timestamp")
    # A FLOAT is what it is written as: 0.1, not the double nearest to its bits.
    if physical != "FLOAT" and (is_native(kind, physical) or (is_time and physical.startswith("TIMESTAMP"))):
        given = name
        value = f"try_cast({name}{ZONED if physical == 'TIMESTAMP WITH TIME ZONE' else ''} as {kind})"
    else:
        # Anything else is read as its text, so that a number is no timestamp by accident.
        given = f"nullif(trim(cast({name} as varchar)), '')"
        value = TYPED[kind].format(text=given, number=f"try_cast({given} as double)")
    if is_time:
        value = f"case when {in_calendar(value, kind)} then {value} end"
    elif kind in LIMITS and column not in raw_tables()[file.table].key:
        value = f"case when {value} > -{LIMITS[kind]} and {value} < {LIMITS[kind]} then {value} end"
    can_fail = not (kind == "boolean" and physical == "BOOLEAN")
    return Column(value, f"{given} is not null and ({value}) is null" if can_fail else "false")


def _as_text(column: str, physical: str) -> str:
    """A column as text, whole numbers without decimals: ids with nulls among them often become floats on the way."""
    name = quote(column)
    if physical == UNTYPED and (column.endswith("_id") or column in IDS):
        is_whole = f"ends_with({name}, '.0') and regexp_full_match({name}, '(0|[1-9][0-9]*)[.]0')"
        return f"case when {is_whole} then left({name}, -2) else {name} end"
    if physical in ("VARCHAR", UNTYPED):
        return name
    text = f"cast({name} as varchar)"
    if physical == "BLOB":  # how older writers of Parquet leave text: its bytes, not marked as UTF-8
        return f"coalesce(try(decode({name})), {text})"
    if not physical.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        return text
    whole = f"cast(cast({name} as bigint) as varchar)"
    return f"case when {name} = floor({name}) and abs({name}) < 1e18 then {whole} else {text} end"
