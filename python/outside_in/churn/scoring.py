"""Scores of today's customers, in batches: however many there are, only one batch is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from outside_in.churn.model import ChurnModel, prepared
from outside_in.churn.reasons import REASON_COLUMNS, told_reasons, usual_values

BATCH_ROWS = 100_000
SCORES = pa.schema(
    [
        ("customer_id", pa.string()),
        ("churn_probability", pa.float64()),
        ("model", pa.string()),
        *((name, pa.string()) for name in REASON_COLUMNS),
    ]
)
_SPARK_SCORES = ", ".join(f"{field.name} {field.type!s}" for field in SCORES)


@dataclass(frozen=True)
class Speaker:
    """The model that speaks for one kind of customer, which of its candidates does, and what is usual for the kind."""

    model: ChurnModel
    champion: str
    usual: pd.Series[float] | None


@dataclass(frozen=True)
class Scorer:
    """What scores customers; it holds models and a few medians, no customer."""

    speakers: dict[str, Speaker]

    @classmethod
    def fit(
        cls,
        features: pd.DataFrame,
        cells: pd.DataFrame,
        champions: pd.DataFrame,
        as_of: pd.Timestamp,
        horizon_days: int,
    ) -> Scorer:
        """Fit the champions on every past moment.

        Args:
            features: rows with a known outcome (see `outside_in.churn.model`).
            cells: order histories of every moment.
            champions: what `outside_in.churn.choose` returned; kinds without a champion stay without scores.
            as_of: the moment to predict.
            horizon_days: length of the horizon.
        """
        frame = prepared(features)
        current = cells[(cells["snapshot_at"] == as_of) & ~cells["is_subscribed"].astype(bool)]
        speakers = {}
        for row in champions[champions["champion"].notna()].itertuples():
            training = frame[frame["kind"] == row.kind]
            model = ChurnModel.fit(str(row.kind), training, current, horizon_days)
            usual = usual_values(training) if model.trees is not None else None
            speakers[str(row.kind)] = Speaker(model, str(row.champion), usual)
        return cls(speakers)

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """Probability and reasons of each customer whose kind has a champion: columns of `SCORES`."""
        frame = prepared(features)
        parts = [pd.DataFrame(columns=SCORES.names)]
        for kind, speaker in self.speakers.items():
            own = frame[frame["kind"] == kind].reset_index(drop=True)
            if not len(own):
                continue

            def predict(rows: pd.DataFrame, speaker: Speaker = speaker) -> np.ndarray[Any, np.dtype[np.float64]]:
                return speaker.model.predict(rows, speaker.champion)

            scores = own[["customer_id"]].assign(churn_probability=predict(own), model=speaker.champion)
            # Without any past outcome nobody knows what is usual.
            reasons = (
                pd.DataFrame(None, index=own.index, columns=list(REASON_COLUMNS), dtype=object)
                if speaker.usual is None
                else told_reasons(own, predict, speaker.usual)
            )
            parts.append(pd.concat([scores, reasons], axis=1)[SCORES.names])
        return pd.concat(parts[1:] or parts, ignore_index=True)


def score_relation(scorer: Scorer, relation: Any) -> Any:
    """Score a relation of features batch by batch: a DuckDB relation here, a Spark data frame on its workers.

    Returns:
        What a dbt Python model may return: a stream of Arrow batches, or a Spark data frame; columns of `SCORES`.
    """
    if hasattr(relation, "mapInPandas"):
        return relation.mapInPandas(lambda batches: map(scorer.score, batches), _SPARK_SCORES)

    def scored() -> Iterator[pa.RecordBatch]:
        for batch in relation.to_arrow_reader(BATCH_ROWS):
            yield pa.RecordBatch.from_pandas(scorer.score(batch.to_pandas()), SCORES, preserve_index=False)

    return pa.RecordBatchReader.from_batches(SCORES, scored())
