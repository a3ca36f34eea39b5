"""One kind of customer's churn as of one moment: the candidates, fitted on past moments and applied to any rows.

A frame of features is what the dbt model `churn_features` holds: one row per customer and moment (`snapshot_at`), with
`is_subscribed`, the order history in days, the columns of `FEATURES`, and the outcome `is_churned` where the horizon
after the moment is over. Cells are those of `outside_in.clv`, with `snapshot_at` and `is_subscribed`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit  # type: ignore[import-untyped]  # SciPy ships no types, nor does scikit-learn
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from outside_in import clv

Floats = npt.NDArray[np.float64]

KINDS = ("order", "subscription")
CANDIDATES = ("constant", "recency", "closed_form", "combined")
# No age and no calendar: on a later moment every customer would be older than anybody a tree has seen.
FEATURES = (
    "days_since_order",
    "usual_gap_days",
    "silence_ratio",
    "frequency",
    "recent_order_count",
    "mean_order_amount",
    "contact_count",
    "longest_wait_minutes",
    "long_wait_count",
    "abandoned_count",
    "mean_ces",
    "mean_csat",
    "mean_nps",
    "late_since_order_count",
    "mean_delivery_days",
    "return_count",
    "session_count",
    "support_session_count",
    "days_since_session",
    "earned_points",
    "redemption_count",
    "mrr_amount",
    "pause_count",
)
# Fewer customers, or fewer who left or who stayed, and the numbers would be those of single people.
MINIMUM_CUSTOMERS = 100
MINIMUM_OUTCOMES = 20
_CLOSED_FORM = "mbg_nbd"
_OLDEST_AGE = 4
_PRIOR_CUSTOMERS = 20
_ENOUGH_ROWS = 10_000
_EDGE = 1e-6
# dbt runs models side by side already, and threads that wait for busy cores made it ten times slower.
_THREADS = ThreadpoolController()


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of customers at moments in an order of their own, in which no two are equal.

    Results depend on the order of the rows in their last digits, and no engine promises one.
    """
    return rows.sort_values(["snapshot_at", "customer_id"], ignore_index=True)


def prepared(features: pd.DataFrame) -> pd.DataFrame:
    """The rows as `ordered` has them, numbers as doubles, with `kind` (see `KINDS`)."""
    frame = ordered(features)
    numbers = list(dict.fromkeys([*FEATURES, "frequency", "recency_days", "age_days", "subscribed_days"]))
    frame[numbers] = frame[numbers].astype(np.float64)
    frame["kind"] = np.where(frame["is_subscribed"].astype(bool), "subscription", "order")
    return frame


def with_order_rhythm(frame: pd.DataFrame) -> pd.DataFrame:
    """The features that follow from the order history (first to last order, age, repeats), computed anew."""
    silence = frame["age_days"] - frame["recency_days"]
    gap = (frame["recency_days"] / frame["frequency"]).where(frame["frequency"] > 0)
    return frame.assign(days_since_order=silence, usual_gap_days=gap, silence_ratio=silence / gap.where(gap > 0))


@dataclass(frozen=True)
class Hazard:
    """Share of subscribers who are gone one horizon later, by the whole horizons they have been subscribed.

    Few customers of an age are drawn to the share of all (by the weight of 20 customers); above the last age the share
    stays what it was there.
    """

    horizon_days: int
    shares: Floats

    @classmethod
    def fit(cls, training: pd.DataFrame, horizon_days: int) -> Hazard:
        """From rows with `subscribed_days` and `is_churned`."""
        age = _ages(training["subscribed_days"], horizon_days)
        lost = training["is_churned"].to_numpy(np.float64)
        prior = lost.mean() * _PRIOR_CUSTOMERS
        counts = np.bincount(age, minlength=_OLDEST_AGE + 1)
        return cls(horizon_days, (np.bincount(age, lost, _OLDEST_AGE + 1) + prior) / (counts + _PRIOR_CUSTOMERS))

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Probability of not being subscribed a horizon later, one per row."""
        shares: Floats = self.shares[_ages(frame["subscribed_days"], self.horizon_days)]
        return shares


@dataclass(frozen=True)
class OrderProcess:
    """Probability of no order in the horizon, in closed form from the MBG/NBD model of all customers' orders so far."""

    horizon_days: int
    fit_: clv.Fit

    @classmethod
    def fit(cls, cells: pd.DataFrame, horizon_days: int) -> OrderProcess:
        """From the cells of one moment.

        Raises:
            clv.NotEnoughData: fewer customers than `MINIMUM_CUSTOMERS`, or too little for the model.
        """
        found = int(cells["customer_count"].sum())
        if found < MINIMUM_CUSTOMERS:
            raise clv.NotEnoughData(f"{MINIMUM_CUSTOMERS} customers with an order", found)
        return cls(horizon_days, clv.fit(_CLOSED_FORM, cells))

    def predict(self, frame: pd.DataFrame) -> Floats:
        """One probability per row, computed once per distinct order history; null without orders."""
        keys = ["frequency", "recency_days", "age_days"]
        result = np.full(len(frame), np.nan)
        known = frame["frequency"].notna().to_numpy()
        if known.any():
            cells = frame.loc[known, keys].groupby(keys, sort=True).size().rename("customer_count").reset_index()
            cells["probability"] = clv.probability_no_order(self.fit_, cells, self.horizon_days)
            result[known] = frame.loc[known, keys].merge(cells, on=keys, how="left")["probability"]
        return result


@dataclass(frozen=True)
class ChurnModel:
    """The candidates for one kind of customer at one moment. What could not be fitted is None."""

    kind: str
    share: float
    recency: IsotonicRegression | None
    closed_form: Hazard | OrderProcess | None
    trees: HistGradientBoostingClassifier | None

    @classmethod
    def fit(cls, kind: str, training: pd.DataFrame, cells: pd.DataFrame, horizon_days: int) -> ChurnModel:
        """Fit all candidates.

        Args:
            kind: one of `KINDS`.
            training: rows of that kind whose horizon was over by the moment to predict; may be empty.
            cells: order histories at the moment to predict. They hold nothing that came after it.
            horizon_days: length of the horizon.
        """
        is_learnable = outcomes_missing(kind, training) is None
        training = lessons(training, horizon_days)
        closed_form: Hazard | OrderProcess | None = None
        if kind == "subscription":
            closed_form = Hazard.fit(training, horizon_days) if is_learnable else None
        else:
            try:
                closed_form = OrderProcess.fit(cells, horizon_days)
            except clv.NotEnoughData:
                closed_form = None
        if not is_learnable:
            return cls(kind, np.nan, None, closed_form, None)
        outcome = training["is_churned"].to_numpy(bool)
        known = training["days_since_order"].notna().to_numpy()
        recency = None
        if known.sum() >= MINIMUM_CUSTOMERS:
            # Constant beyond what was seen: an extrapolated line once ranked a later moment upside down.
            recency = IsotonicRegression(out_of_bounds="clip").fit(
                training["days_since_order"].to_numpy()[known], outcome[known]
            )
        return cls(kind, float(outcome.mean()), recency, closed_form, _fit_trees(training[list(FEATURES)], outcome))

    def predict(self, frame: pd.DataFrame, candidate: str) -> Floats:
        """Churn probabilities of one candidate (see `CANDIDATES`), one per row of `frame`; nan where it has none."""
        if candidate == "constant":
            result = np.full(len(frame), self.share)
        elif candidate == "recency":
            result = self._from_recency(frame)
        elif candidate == "closed_form":
            result = self._from_closed_form(frame)
        else:
            result = self.blend(self._from_closed_form(frame), frame)
        clipped: Floats = np.clip(result, _EDGE, 1 - _EDGE)
        return clipped

    def blend(self, closed_form: Floats, frame: pd.DataFrame) -> Floats:
        """The combination: half way between closed form and trees on the scale of log-odds."""
        if self.trees is None or not len(frame):
            return np.full(len(frame), np.nan)
        with _THREADS.limit(limits=1, user_api="openmp"):
            learned = self.trees.predict_proba(frame[list(FEATURES)].to_numpy())[:, 1]
        combined: Floats = expit((logit(np.clip(closed_form, _EDGE, 1 - _EDGE)) + logit(learned)) / 2)
        return combined

    def _from_recency(self, frame: pd.DataFrame) -> Floats:
        result = np.full(len(frame), self.share)
        known = frame["days_since_order"].notna().to_numpy()
        if self.recency is not None and known.any():
            result[known] = np.clip(self.recency.predict(frame["days_since_order"].to_numpy()[known]), 0.001, 0.999)
        return result

    def _from_closed_form(self, frame: pd.DataFrame) -> Floats:
        return np.full(len(frame), np.nan) if self.closed_form is None else self.closed_form.predict(frame)


def lessons(training: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """The rows of moments whose horizons do not overlap; of all moments where those are few.

    Overlapping horizons tell the same outcomes again. With little to learn from that still helped (log loss .588, not
    .594, on a thousand customers); with more it only cost calibration (error .021, not .018, on 23,570).
    """
    kept: list[pd.Timestamp] = []
    for moment in sorted(training["snapshot_at"].unique(), reverse=True):
        if not kept or moment + pd.Timedelta(days=horizon_days) <= kept[-1]:
            kept.append(moment)
    apart = training[training["snapshot_at"].isin(kept)]
    return apart if len(apart) >= _ENOUGH_ROWS else training


def _fit_trees(features: pd.DataFrame, outcome: npt.NDArray[np.bool_]) -> HistGradientBoostingClassifier:
    """Small boosted trees. They want a value to bin: what nobody has is 0 for all here, and so never asked for."""
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=7, early_stopping=False, random_state=0
    )
    with _THREADS.limit(limits=1, user_api="openmp"):
        return trees.fit(np.where(features.isna().all(), 0, features), outcome)


def outcomes_missing(kind: str, training: pd.DataFrame) -> str | None:
    """What the past outcomes of a kind lack to be learned from, in words; None when there are enough."""
    whom = {"order": "customers", "subscription": "subscribers"}[kind]
    people, is_churned = training["customer_id"], training["is_churned"].astype(bool)
    if (known := people.nunique()) < MINIMUM_CUSTOMERS:
        return str(clv.NotEnoughData(f"past outcomes of {MINIMUM_CUSTOMERS} {whom}", known))
    left, stayed = people[is_churned].nunique(), people[~is_churned].nunique()
    if min(left, stayed) < MINIMUM_OUTCOMES:
        needs = f"{MINIMUM_OUTCOMES} {whom} who have left and as many who have stayed"
        return str(clv.NotEnoughData(needs, f"{left} and {stayed}"))
    return None


def _ages(subscribed_days: pd.Series[float], horizon_days: int) -> npt.NDArray[np.int64]:
    """Whole horizons since the subscription began, at most `_OLDEST_AGE`."""
    whole = np.floor(subscribed_days.to_numpy(np.float64) / horizon_days)
    ages: npt.NDArray[np.int64] = np.clip(np.nan_to_num(whole), 0, _OLDEST_AGE).astype(np.int64)
    return ages
