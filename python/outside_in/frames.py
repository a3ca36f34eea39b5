"""Frames between the warehouse and Python: read on any engine, returned with the types that their columns have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

# Nullable types throughout: a column without any value keeps its type in the warehouse.
_TYPES: dict[str, Any] = {
    "text": pd.StringDtype(),
    "number": pd.Float64Dtype(),
    "whole": pd.Int64Dtype(),
    "flag": pd.BooleanDtype(),
    "day": pd.ArrowDtype(pa.date32()),
    "moment": "datetime64[us]",
}


def read(relation: Any) -> pd.DataFrame:
    """All rows of a relation that a dbt Python model was given, whichever engine it comes from."""
    # Spark's frames answer to any attribute, so the one that only they have is asked for.
    frame: pd.DataFrame = relation.toPandas() if hasattr(relation, "toPandas") else relation.df()
    return frame


def typed(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, types: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a frame with exactly these columns.

    Args:
        rows: one mapping per row, or a frame; what a row does not have is null.
        types: text, number, whole, flag, day or moment by column name, in the order wanted.

    Returns:
        A frame with one column per name; NaN is null.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    unknown = pd.Series(None, frame.index, object)
    columns = {name: pd.array(_column(frame.get(name, unknown), kind)) for name, kind in types.items()}
    # Tables of scores have millions of rows: a column is copied once, for its type.
    return pd.DataFrame(columns, copy=False)


def _column(values: pd.Series[Any], kind: str) -> Any:
    """A column of its type: as a whole, but for days, whose nulls pandas and Arrow write in too many ways."""
    if kind == "number" and values.dtype == np.float64:
        numbers = values.to_numpy()
        return pd.arrays.FloatingArray(numbers, np.isnan(numbers))  # as astype does, in a tenth of its time
    if kind != "day":
        return values.astype(_TYPES[kind])
    return pd.array([None if pd.isna(value) else value for value in values], dtype=_TYPES[kind])
