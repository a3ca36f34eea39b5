"""Why a customer is at risk, in words: how far the prediction falls when one thing about the customer is as usual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pandas as pd

from outside_in.churn.model import FEATURES, Floats, with_order_rhythm

REASON_COLUMNS = ("reason_1", "reason_2", "reason_3")
# Half a percentage point: what moves the prediction by less is no reason.
SMALLEST_EFFECT = 0.005
# A tenth off what is usual is not worth telling.
_NOTABLE = 0.1
_HISTORY = ("frequency", "recency_days", "age_days")

Predict = Callable[[pd.DataFrame], Floats]


class Number(float):
    """A number that a sentence can count with: `{x:times}` is "twice", `{x:day|days}` is "1 day" or "3 days"."""

    def __format__(self, spec: str) -> str:
        """The number as `spec` says; any other spec is a float's."""
        if spec == "times":
            return {1: "once", 2: "twice"}.get(round(self), f"{float(self):.0f} times")
        if "|" in spec:
            one, more = spec.split("|")
            return f"{float(self):.0f} {one if round(self) == 1 else more}"
        return format(float(self), spec)


@dataclass(frozen=True)
class Reason:
    """One thing that may speak for leaving.

    Attributes:
        column: the feature it is about.
        worse: 1 where more of it is worse, -1 where less is. The other way round it is never told.
        words: the sentence; a field is a feature of the customer, `usual.<feature>` that of customers who stayed.
        words_of_new: the sentence for a customer of one order, where it is another.
        together: features that are set to the usual along with it.
        least: what is below this is not worth telling.
    """

    column: str
    worse: int
    words: str
    words_of_new: str = ""
    together: tuple[str, ...] = ()
    least: float = -np.inf


# The windows of 90 days and a year are those of macros/predictions/churn.sql.
REASONS = (
    Reason(
        "days_since_order",
        1,
        "no order for {days_since_order:day|days}, usually every {usual_gap_days:day|days}",
        "no order for {days_since_order:day|days} after the first one",
    ),
    Reason(
        "frequency",
        -1,
        "{order_days:order|orders} so far, customers who stay have {usual.order_days:.0f}",
        together=("recency_days",),
    ),
    Reason(
        "recent_order_count",
        -1,
        "{recent_order_count:order|orders} in the last 90 days, customers who stay have {usual.recent_order_count:.0f}",
    ),
    Reason(
        "mean_order_amount",
        -1,
        "spends {mean_order_amount:.0f} per order, customers who stay {usual.mean_order_amount:.0f}",
    ),
    Reason("contact_count", 1, "contacted service {contact_count:times} in the last 90 days"),
    Reason(
        "longest_wait_minutes",
        1,
        "waited {longest_wait_minutes:minute|minutes} in the queue, "
        "{long_wait_count:long wait|long waits} in the last 90 days",
        together=("long_wait_count",),
        least=1,
    ),
    Reason("abandoned_count", 1, "gave up in the queue {abandoned_count:times} in the last 90 days"),
    Reason("mean_ces", -1, "rates ease {mean_ces:.1f} of 7, customers who stay {usual.mean_ces:.1f}"),
    Reason("mean_csat", -1, "rates satisfaction {mean_csat:.1f} of 5, customers who stay {usual.mean_csat:.1f}"),
    Reason("mean_nps", -1, "would recommend with {mean_nps:.0f} of 10, customers who stay with {usual.mean_nps:.0f}"),
    Reason(
        "late_since_order_count",
        1,
        "{late_since_order_count:delivery|deliveries} later than promised since the last order",
    ),
    Reason(
        "mean_delivery_days",
        1,
        "deliveries take {mean_delivery_days:.1f} days, {usual.mean_delivery_days:.1f} for customers who stay",
    ),
    Reason("return_count", 1, "sent something back {return_count:times} in the last year"),
    Reason(
        "session_count",
        -1,
        "{session_count:visit|visits} to the website in the last 90 days, "
        "customers who stay have {usual.session_count:.0f}",
    ),
    Reason("support_session_count", 1, "looked for help on the site {support_session_count:times} in the last 90 days"),
    Reason("days_since_session", 1, "not on the website for {days_since_session:day|days}", least=14),
    Reason(
        "earned_points",
        -1,
        "{earned_points:.0f} loyalty points earned in the last year, customers who stay {usual.earned_points:.0f}",
    ),
    Reason(
        "redemption_count",
        -1,
        "redeemed loyalty points {redemption_count:times} in the last year, "
        "customers who stay {usual.redemption_count:times}",
    ),
    Reason("mrr_amount", -1, "pays {mrr_amount:.2f} a month, customers who stay {usual.mrr_amount:.2f}"),
    Reason("pause_count", 1, "paused or ended a subscription {pause_count:times} in the last year"),
)


def usual_values(training: pd.DataFrame) -> pd.Series[float]:
    """What is usual: medians over the customers who stayed, of every feature and of the order history."""
    stayed = training[~training["is_churned"].astype(bool)]
    usual = stayed[list(dict.fromkeys((*FEATURES, *_HISTORY)))].median()
    # The time from first to last order is 0 without a second one, and says nothing of those who have one.
    usual["recency_days"] = stayed.loc[stayed["frequency"] > 0, "recency_days"].median()
    return usual


def told_reasons(frame: pd.DataFrame, predict: Predict, usual: pd.Series[float]) -> pd.DataFrame:
    """The up to three things whose being as usual would lower a customer's risk the most, in words.

    Args:
        frame: features of the customers to speak of.
        predict: churn probabilities of such a frame.
        usual: what `usual_values` returned.

    Returns:
        One row per row of `frame`, `REASON_COLUMNS`; null where nothing more raises the risk.
    """
    predicted = predict(frame)
    effects = np.zeros((len(frame), len(REASONS)))
    for number, reason in enumerate(REASONS):
        rows = _worse_than_usual(frame, reason, usual)
        if rows.any():
            effects[rows, number] = predicted[rows] - predict(_as_usual(frame[rows], reason, usual))
    ranked = np.argsort(-effects, axis=1, kind="stable")[:, : len(REASON_COLUMNS)]
    values = frame.assign(order_days=frame["frequency"] + 1)
    told = usual.copy()
    told["order_days"] = usual["frequency"] + 1
    words = np.full((len(frame), len(REASON_COLUMNS)), None, dtype=object)
    for place in range(len(REASON_COLUMNS)):
        chosen = ranked[:, place]
        for number in np.unique(chosen):
            rows = (chosen == number) & (effects[:, number] >= SMALLEST_EFFECT)
            if rows.any():
                words[rows, place] = _sentences(values[rows], REASONS[number], told)
    return pd.DataFrame(words, index=frame.index, columns=list(REASON_COLUMNS))


def _worse_than_usual(frame: pd.DataFrame, reason: Reason, usual: pd.Series[float]) -> npt.NDArray[np.bool_]:
    """Customers of whom the reason can be told at all."""
    value = frame[reason.column].to_numpy()
    standard = _own_rhythm(frame, usual) if reason.column == "days_since_order" else usual[reason.column]
    return (reason.worse * (value - standard) > _NOTABLE * np.abs(standard)) & (value >= reason.least)


def _own_rhythm(frame: pd.DataFrame, usual: pd.Series[float]) -> Floats:
    """Days after which a customer usually orders again; for a customer of one order, what is usual for others."""
    return frame["usual_gap_days"].fillna(usual["days_since_order"]).to_numpy(np.float64)


def _as_usual(frame: pd.DataFrame, reason: Reason, usual: pd.Series[float]) -> pd.DataFrame:
    """The same customers with one thing as usual; what follows from an order history moves with it."""
    if reason.column == "days_since_order":
        return with_order_rhythm(frame.assign(age_days=frame["recency_days"] + np.round(_own_rhythm(frame, usual))))
    changed = frame.assign(**{column: usual[column] for column in (reason.column, *reason.together)})
    if reason.column == "frequency":
        history = {name: np.round(changed[name]) for name in ("frequency", "recency_days")}
        silence = frame["age_days"] - frame["recency_days"]
        return with_order_rhythm(changed.assign(**history, age_days=history["recency_days"] + silence))
    return changed


def _sentences(rows: pd.DataFrame, reason: Reason, usual: pd.Series[float]) -> list[str]:
    """The reason in words, one per row."""
    standard = SimpleNamespace(**{str(name): Number(value) for name, value in usual.items()})
    columns = [name for name in rows.columns if f"{{{name}:" in reason.words]
    is_new = rows["frequency"].to_numpy() == 0
    return [
        (reason.words_of_new if new and reason.words_of_new else reason.words).format(
            **{name: Number(value) for name, value in zip(columns, values, strict=True)}, usual=standard
        )
        for new, values in zip(is_new, rows[columns].itertuples(index=False), strict=True)
    ]
