"""Columns as numpy arrays, and their way into typed Parquet files.

A `Frame` is one table's rows as named columns of equal length. Missing values need no mask: NULL in whole
numbers, times, dates and money; NaN in doubles; -1 in codes and identifiers; None in mixed text. The contract
says by its types what a column becomes in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

from outside_in.contract import DELETED, LANDED_AT, RawTable

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rng = np.random.Generator

NULL = int(np.iinfo(np.int64).min)  # numpy's own "not a time", so that it is null in times for free
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CENT = 100  # money is held in 1/10000 of the currency, as decimal(18,4) stores it

_FOUR_DIGITS = np.array([list(b"%04d" % i) for i in range(10_000)], np.uint8).view(np.uint32).ravel()
_HEX_PAIRS = np.array([list(b"%02x" % i) for i in range(256)], np.uint8).view(np.uint16).ravel()
_ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "decimal(18,4)": pa.decimal128(18, 4),
}
_AHEAD = {"promised_at", "expires_at"}  # times that are promises: they say nothing about when a row landed


@dataclass(frozen=True)
class Ids:
    """Identifiers: a prefix and twelve digits, or sixteen hex digits of a hash. A negative number is null."""

    prefix: str
    numbers: Ints
    is_hashed: bool = False


@dataclass(frozen=True)
class Words:
    """Text from a small vocabulary: `words[code]`; a negative code is null."""

    codes: npt.NDArray[np.integer[Any]]
    words: Sequence[str]


Column = npt.NDArray[Any] | Ids | Words
Frame = dict[str, Column]


def rows_in(frame: Frame) -> int:
    """Number of rows, of the first column."""
    return len(_values(next(iter(frame.values()))))


def take(frame: Frame, rows: npt.NDArray[Any]) -> Frame:
    """The frame's rows at these positions (or where this mask is true), as copies."""
    return {name: _with_values(column, _values(column)[rows]) for name, column in frame.items()}


def stack(frames: Sequence[Frame]) -> Frame:
    """The frames under one another; a column that one of them lacks is null there."""
    names = list(dict.fromkeys(name for frame in frames for name in frame))
    return {name: _stack_column([(frame.get(name), rows_in(frame)) for frame in frames]) for name in names}


def put(frame: Frame, name: str, rows: Ints, value: object) -> None:
    """Set the value in these rows, in a copy of the column. None is null; text joins the vocabulary."""
    column = frame[name]
    values = _values(column).copy()
    if isinstance(column, Words):
        words = list(column.words)
        if isinstance(value, str):
            values[rows] = len(words)
            words.append(value)
        else:
            values[rows] = -1
        frame[name] = Words(values, words)
        return
    values[rows] = _missing(column) if value is None else value
    frame[name] = _with_values(column, values)


def texts(column: Column) -> npt.NDArray[Any]:
    """Identifiers or words spelled out, as Python strings and None: for columns that mix them."""
    spelled: npt.NDArray[Any] = _arrow_column(column, "varchar", 0).cast(pa.string()).to_numpy(zero_copy_only=False)
    return spelled


def choose(rng: Rng, weights: Sequence[float] | Floats, count: int) -> Ints:
    """`count` positions in `weights`, drawn in proportion to them."""
    edges = np.cumsum(np.asarray(weights, np.float64))
    found: Ints = np.searchsorted(edges, rng.random(count) * edges[-1], side="right").astype(np.int64)
    return found


def whole(values: npt.NDArray[Any]) -> Ints:
    """Rounded to int64."""
    found: Ints = np.rint(values).astype(np.int64)
    return found


def money(amount: Floats) -> Ints:
    """Amounts rounded to the cent, in 1/10000."""
    return whole(amount * 100) * CENT


def latest_time(table: RawTable, frame: Frame) -> Ints:
    """Per row, the last moment it tells of, in microseconds; a date counts as its day's end.

    A table without times of its own brings the time of what its rows belong to as `_loaded_at`.
    """
    if LANDED_AT in frame:
        return _values(frame[LANDED_AT])
    times = [
        _values(column)
        for name, column in frame.items()
        if table.columns.get(name) == "timestamp" and name not in _AHEAD
    ]
    if times:
        found: Ints = np.maximum.reduce(times)
        return found
    if table.own_time is not None:
        days = _values(frame[table.own_time])
        return np.where(days == NULL, NULL, (days + 1) * DAY)
    return np.full(rows_in(frame), NULL)


def to_arrow(table: RawTable, frame: Frame) -> pa.Table:
    """The frame as an Arrow table: every contract column, `_loaded_at`, and `_deleted` where it has it."""
    count = rows_in(frame)
    kinds = {**table.columns, LANDED_AT: "timestamp"}
    if DELETED in frame:
        kinds[DELETED] = "boolean"
    arrays = [_arrow_column(frame.get(name), kind, count) for name, kind in kinds.items()]
    return pa.Table.from_arrays(arrays, names=list(kinds))


def write(path: Path, table: RawTable, frames: Sequence[Frame]) -> int:
    """Write the frames into one file, one after the other, and return the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [to_arrow(table, frame) for frame in frames if rows_in(frame) or frame is frames[0]]
    # Only vocabularies gain from dictionary pages; hashing unique identifiers would cost most of the time.
    coded = [field.name for field in parts[0].schema if pa.types.is_dictionary(field.type)]
    with pq.ParquetWriter(
        path,
        parts[0].schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=coded or False,
        store_schema=False,
        store_decimal_as_integer=True,
    ) as file:
        for part in parts:
            file.write_table(part, row_group_size=250_000)
    return sum(part.num_rows for part in parts)


def _values(column: Column) -> npt.NDArray[Any]:
    if isinstance(column, Ids):
        return column.numbers
    return column.codes if isinstance(column, Words) else column


def _with_values(column: Column, values: npt.NDArray[Any]) -> Column:
    if isinstance(column, Ids):
        return replace(column, numbers=values)
    return replace(column, codes=values) if isinstance(column, Words) else values


def _stack_column(parts: Sequence[tuple[Column | None, int]]) -> Column:
    known = next(column for column, _ in parts if column is not None)
    if len({type(column) for column, _ in parts if column is not None}) > 1:
        return np.concatenate([np.full(n, None) if column is None else texts(column) for column, n in parts])
    if isinstance(known, Words):
        index: dict[str, int] = {}
        codes = [_recode(column, index) if isinstance(column, Words) else np.full(count, -1) for column, count in parts]
        return Words(np.concatenate(codes), list(index))
    missing = _missing(known)
    return _with_values(
        known,
        np.concatenate([np.full(n, missing) if column is None else _values(column) for column, n in parts]),
    )


def _missing(column: Column) -> Any:
    """How a null is spelled in this column; a boolean without nulls has False instead."""
    kind = _values(column).dtype.kind
    return -1 if isinstance(column, Ids | Words) else {"f": np.nan, "O": None, "b": False}.get(kind, NULL)


def _recode(column: Words, index: dict[str, int]) -> npt.NDArray[np.int64]:
    """The column's codes in `index`, which grows by the words new to it; a negative code stays -1."""
    codes = np.array([index.setdefault(word, len(index)) for word in column.words] + [-1])
    found: npt.NDArray[np.int64] = codes[np.maximum(column.codes, -1)]
    return found


def _arrow_column(column: Column | None, kind: str, count: int) -> pa.Array:
    if column is None:
        return pa.nulls(count, _ARROW_TYPES[kind])
    if isinstance(column, Words):
        index: dict[str, int] = {}
        codes = _recode(column, index).astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(list(index), pa.string()))
    if isinstance(column, Ids):
        return _text_of_ids(column)
    if column.dtype.kind == "O":
        return pa.array(column, pa.string())
    if kind == "double":
        return pa.array(column.astype(np.float64, copy=False), from_pandas=True)
    if kind == "boolean" and column.dtype.kind == "b":
        return pa.array(column)
    values = column.astype(np.int64, copy=False)
    if kind == "timestamp":
        return pa.array(values.view("datetime64[us]"))
    known = values != NULL
    if kind == "boolean":
        return pa.array(values == 1, mask=~known)
    if kind == "date":
        return pa.array(np.where(known, values, 0).astype(np.int32), mask=~known).cast(pa.date32())
    if kind == "bigint":
        return pa.array(values, mask=~known)
    halves = np.empty((count, 2), np.int64)  # a 128-bit decimal: low half, then the sign
    halves[:, 0] = values
    halves[:, 1] = values >> 63
    return pa.Array.from_buffers(_ARROW_TYPES[kind], count, [_bitmap(known), pa.py_buffer(halves)])


def _bitmap(known: Bools) -> pa.Buffer | None:
    return None if known.all() else pa.array(known).buffers()[1]


def _text_of_ids(ids: Ids) -> pa.Array:
    known = ids.numbers >= 0
    numbers = np.where(known, ids.numbers, 0).astype(np.uint64)
    if ids.is_hashed:
        body = _HEX_PAIRS[_mixed(numbers).view(np.uint8)].view(np.uint8).reshape(-1, 16)
    else:
        parts = np.empty((len(numbers), 3), np.uint32)
        parts[:, 0] = _FOUR_DIGITS[numbers // 100_000_000]
        parts[:, 1] = _FOUR_DIGITS[numbers // 10_000 % 10_000]
        parts[:, 2] = _FOUR_DIGITS[numbers % 10_000]
        body = parts.view(np.uint8)
    prefix = ids.prefix.encode()
    text = np.empty((len(numbers), len(prefix) + body.shape[1]), np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    text[:, len(prefix) :] = body
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * np.int32(text.shape[1])
    buffers = [_bitmap(known), pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), len(numbers), buffers)


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The splitmix64 finaliser: looks like a hash, never collides."""
    mixed = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
