"""How good the candidates are on moments they knew nothing about, who speaks for whom, and what the model looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import (  # type: ignore[import-untyped]  # ships no types
    average_precision_score,
    roc_auc_score,
)

from outside_in import clv
from outside_in.churn.model import (
    CANDIDATES,
    FEATURES,
    KINDS,
    ChurnModel,
    Floats,
    OrderProcess,
    ordered,
    outcomes_missing,
    prepared,
)
from outside_in.frames import typed

EVALUATED_MOMENTS = 4
BINS = 10
_PERMUTATIONS = 3
_PSI_FLOOR = 1e-4

BACKTEST_COLUMNS = {
    "customer_id": "text",
    "snapshot_at": "moment",
    "snapshot_date": "day",
    "kind": "text",
    "is_churned": "flag",
    **dict.fromkeys(CANDIDATES, "number"),
}
CHAMPION_COLUMNS = {"kind": "text", "champion": "text", "evaluated_moments": "whole", "note": "text"}
EVALUATION_COLUMNS = {
    "split": "text",
    "metric": "text",
    "value": "number",
    "baseline_value": "number",
    "recency_value": "number",
    "closed_form_value": "number",
    "combined_value": "number",
    "customer_count": "whole",
    "champion": "text",
    "note": "text",
}
CALIBRATION_COLUMNS = {
    "split": "text",
    "bin": "whole",
    "customer_count": "whole",
    "predicted_share": "number",
    "churned_count": "whole",
}
IMPORTANCE_COLUMNS = {
    "feature": "text",
    "importance": "number",
    "standard_error": "number",
    "direction": "text",
    "effect": "number",
    "known_share": "number",
}
DRIFT_COLUMNS = {
    "item_type": "text",
    "item": "text",
    "psi": "number",
    "z_score": "number",
    "reference_value": "number",
    "current_value": "number",
    "verdict": "text",
}


def backtest(features: pd.DataFrame, cells: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Predictions of all candidates for the latest past moments, each from what was known at that moment alone.

    A model for a moment learns only from rows whose horizon was over by then.

    Args:
        features: rows with a known outcome (see `outside_in.churn.model`).
        cells: order histories of every moment.
        horizon_days: length of the horizon.

    Returns:
        One row per customer and moment, `BACKTEST_COLUMNS`; empty where too little is known.
    """
    frame = prepared(features)
    found = [rows for _, _, rows in _judged_moments(frame, cells, horizon_days)]
    return typed(pd.concat(found) if found else [], BACKTEST_COLUMNS)


def choose(features: pd.DataFrame, cells: pd.DataFrame, judged: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Who speaks for each kind of customer: the candidate with the lowest log loss on past moments.

    Args:
        features: rows with a known outcome.
        cells: order histories of every moment, subscribers' counted by themselves (`is_subscribed`).
        judged: what `backtest` returned.
        as_of: the moment to predict.

    Returns:
        One row per kind, `CHAMPION_COLUMNS`. Without enough data `champion` is null and `note` says what is needed.
    """
    current, judged = cells[cells["snapshot_at"] == as_of], ordered(judged)
    rows: list[tuple[str, str | None, int, str | None]] = []
    for kind in KINDS:
        own = current[current["is_subscribed"].astype(bool) == (kind == "subscription")]
        outcomes = features[features["is_subscribed"].astype(bool) == (kind == "subscription")]
        past = judged[judged["kind"] == kind]
        moments = past["snapshot_at"].nunique()
        missing = _missing(kind, own, outcomes)
        if missing is not None:
            rows.append((kind, None, moments, missing))
        elif moments < EVALUATED_MOMENTS:
            note = clv.NotEnoughData(f"{EVALUATED_MOMENTS} judged moments to compare models", moments)
            rows.append((kind, "closed_form", moments, f"{note}; the closed form predicts unjudged"))
        else:
            losses = {name: log_loss(past["is_churned"], past[name]) for name in CANDIDATES}
            rows.append((kind, min(losses, key=lambda name: np.nan_to_num(losses[name], nan=np.inf)), moments, None))
    return typed(pd.DataFrame(rows, columns=list(CHAMPION_COLUMNS)), CHAMPION_COLUMNS)


def evaluate(judged: pd.DataFrame, champions: pd.DataFrame) -> pd.DataFrame:
    """Every metric of the champion, and of the other candidates beside it.

    Splits: `holdout` is the latest judged moment, `all_moments` all of them, `moment_<date>` each, and `order` and
    `subscription` the two kinds of customers over all moments. The baseline is the past churn share for everybody.

    Returns:
        One row per split and metric, `EVALUATION_COLUMNS`. A kind that cannot be judged has one row that says why.
    """
    rows, champions = with_champion(judged, champions), champions.sort_values("kind")
    speakers = "; ".join(f"{row.kind}: {row.champion}" for row in champions.itertuples() if pd.notna(row.champion))
    notes = dict(zip(champions["kind"], champions["note"], strict=True))
    result = []
    for split, part in _splits(rows):
        champion = part["champion"].iloc[0] if part["champion"].nunique() == 1 else speakers
        for metric, measure in METRICS.items():
            values = [measure(part["is_churned"], part[name]) for name in ("probability", *CANDIDATES)]
            result.append((split, metric, *values, len(part), champion, notes.get(split)))
    for kind in KINDS:
        if not (rows["kind"] == kind).any():
            result.append((kind, "log_loss", *[np.nan] * 5, 0, None, notes[kind]))
    if not len(rows):
        result.append(("holdout", "log_loss", *[np.nan] * 5, 0, None, " / ".join(notes[kind] for kind in KINDS)))
    return typed(pd.DataFrame(result, columns=list(EVALUATION_COLUMNS)), EVALUATION_COLUMNS)


def calibrate(judged: pd.DataFrame, champions: pd.DataFrame) -> pd.DataFrame:
    """What was predicted and what came, in ten bins of equally many customers.

    Returns:
        One row per split and bin, `CALIBRATION_COLUMNS`. Equal predictions share a bin, so some may be missing.
    """
    result = []
    for split, part in _splits(with_champion(judged, champions)):
        lost, predicted = _numbers(part["is_churned"]), _numbers(part["probability"])
        bins = _bins(predicted)
        for number in np.unique(bins):
            inside = bins == number
            result.append((split, number + 1, inside.sum(), predicted[inside].mean(), lost[inside].sum()))
    return typed(pd.DataFrame(result, columns=list(CALIBRATION_COLUMNS)), CALIBRATION_COLUMNS)


def weigh_features(features: pd.DataFrame, cells: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """How much worse the combination gets on the latest judged moment when a feature's values are shuffled.

    `importance` is the rise of the log loss (mean of three shuffles; their standard error beside it), and `direction`
    says what a high value does: the predictions with the feature set to its 90th percentile against those with its
    10th, or its largest against its smallest value where those two are one. The closed form counts as one feature; its
    inputs are an order history and make sense only together.

    Returns:
        One row per feature, `IMPORTANCE_COLUMNS`, most important first; empty where no moment can be judged.
    """
    frame = prepared(features)
    models = [(model, test) for model, test, _ in _judged_moments(frame, cells, horizon_days, moments=1)]
    if not models:
        return typed([], IMPORTANCE_COLUMNS)
    outcome = np.concatenate([test["is_churned"].to_numpy(bool) for _, test in models])
    closed_forms = [model.predict(test, "closed_form") for model, test in models]

    as_they_are = [
        model.blend(closed_form, test) for (model, test), closed_form in zip(models, closed_forms, strict=True)
    ]

    def predicted(feature: str, change: Callable[[Floats], Floats]) -> Floats:
        """Predictions for everybody with one feature changed; trees are asked again only about whom that changes."""
        parts = []
        for (model, test), closed_form, known in zip(models, closed_forms, as_they_are, strict=True):
            values = closed_form if feature == "closed_form" else test[feature].to_numpy()
            changed = change(values)
            moved = (changed != values) & ~(np.isnan(changed) & np.isnan(values))
            rows, part = test[moved], known.copy()
            if feature == "closed_form":
                part[moved] = model.blend(changed[moved], rows)
            else:
                part[moved] = model.blend(closed_form[moved], rows.assign(**{feature: changed[moved]}))
            parts.append(part)
        return np.concatenate(parts)

    actual = log_loss(outcome, np.concatenate(as_they_are))
    values_of = {feature: np.concatenate([test[feature].to_numpy() for _, test in models]) for feature in FEATURES}
    values_of["closed_form"] = np.concatenate(closed_forms)
    rows = []
    for feature, values in values_of.items():
        known = values[np.isfinite(values)]
        rises = [
            log_loss(outcome, predicted(feature, np.random.default_rng(seed).permutation)) - actual
            for seed in range(_PERMUTATIONS)
        ]
        effect = 0.0
        if len(known):
            low, high = np.quantile(known, (0.1, 0.9))
            if low == high:  # what happens to few is what it does to these few
                low, high = known.min(), known.max()
            effect = float(np.mean(_moved_to(predicted, feature, high) - _moved_to(predicted, feature, low)))
        rows.append(
            (
                feature,
                np.mean(rises),
                np.std(rises, ddof=1) / np.sqrt(_PERMUTATIONS),
                "raises churn" if effect > 0 else "lowers churn" if effect < 0 else "none",
                effect,
                len(known) / len(values),
            )
        )
    result = pd.DataFrame(rows, columns=list(IMPORTANCE_COLUMNS))
    return typed(result.sort_values(["importance", "feature"], ascending=[False, True]), IMPORTANCE_COLUMNS)


def drift(features: pd.DataFrame, current: pd.DataFrame, cells: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """How far today's customers are from those that the model learned from.

    Features: population stability index over the tenths of the latest past moment, unknown values apart; above .1 it
    is shifting, above .25 it has drifted. Parameters of the closed form: difference to the fit of the latest past
    moment in standard errors; beyond 2 shifting, beyond 3 drifted. The two fits share customers, so z is small rather
    than large.

    Args:
        features: rows with a known outcome.
        current: rows of as_of, all of them or a sample.
        cells: order histories of every moment.
        horizon_days: length of the horizon.

    Returns:
        One row per feature and parameter, `DRIFT_COLUMNS`; empty without a past moment.
    """
    rows: list[tuple[object, ...]] = []
    if len(features) and len(current):
        then = prepared(features[features["snapshot_at"] == features["snapshot_at"].max()])
        now = prepared(current)
        for feature in FEATURES:
            before, after = then[feature].to_numpy(), now[feature].to_numpy()
            psi = stability_index(before, after)
            rows.append(("feature", feature, psi, np.nan, _mean(before), _mean(after), _verdict(psi, 0.1, 0.25)))
        rows += _parameter_drift(cells, then["snapshot_at"].iloc[0], now["snapshot_at"].iloc[0], horizon_days)
    return typed(pd.DataFrame(rows, columns=list(DRIFT_COLUMNS)), DRIFT_COLUMNS)


def with_champion(judged: pd.DataFrame, champions: pd.DataFrame) -> pd.DataFrame:
    """The judged rows of the kinds that have a champion, `ordered`, its name and its `probability` added."""
    rows = ordered(judged).merge(champions[["kind", "champion"]], on="kind", how="inner")
    rows = rows[rows["champion"].notna()]
    probability = np.full(len(rows), np.nan)
    for name in CANDIDATES:
        spoken = (rows["champion"] == name).to_numpy()
        probability[spoken] = rows.loc[spoken, name]
    return rows.assign(probability=probability)


def log_loss(outcome: pd.Series[bool] | Floats, probability: pd.Series[float] | Floats) -> float:
    """Mean negative log-likelihood per customer, in nats."""
    lost, predicted = np.asarray(outcome, bool), np.asarray(probability, float)
    return float(-np.mean(np.log(np.where(lost, predicted, 1 - predicted))))


def brier(outcome: pd.Series[bool], probability: pd.Series[float]) -> float:
    """Mean squared distance of the prediction from what came."""
    return float(np.mean((_numbers(probability) - _numbers(outcome)) ** 2))


def calibration_error(outcome: pd.Series[bool], probability: pd.Series[float]) -> float:
    """Expected calibration error over ten bins of equally many customers; equal predictions share a bin."""
    bins = _bins(_numbers(probability))
    gap = np.bincount(bins, _numbers(probability) - _numbers(outcome), BINS)
    return float(np.abs(gap).sum() / len(bins))


def lift_top_decile(outcome: pd.Series[bool], probability: pd.Series[float]) -> float:
    """Churn share of the tenth with the highest predictions over that of all; ties at its border count in part."""
    lost, predicted = _numbers(outcome), _numbers(probability)
    wanted = len(lost) / 10
    border = np.partition(predicted, -int(np.ceil(wanted)))[-int(np.ceil(wanted))]
    above, tied = predicted > border, predicted == border
    inside = lost[above].sum() + (wanted - above.sum()) * lost[tied].mean()
    return float(inside / wanted / lost.mean()) if lost.any() else np.nan


def predicted_to_actual(outcome: pd.Series[bool], probability: pd.Series[float]) -> float:
    """Predicted churn over that which came; unknown where nobody left."""
    return float(probability.sum() / outcome.sum()) if outcome.any() else np.nan


def stability_index(before: Floats, after: Floats) -> float:
    """Population stability index: (q - p) ln(q / p) summed over the tenths of `before` and the unknown values.

    Unknown where neither knows any value: what nobody records does not move.
    """
    known = before[np.isfinite(before)]
    if not len(known) and not np.isfinite(after).any():
        return np.nan
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)

    def shares(values: Floats) -> Floats:
        bins = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), len(edges) + 1)
        return np.maximum(np.bincount(bins, minlength=len(edges) + 2) / len(values), _PSI_FLOOR)

    p, q = shares(before), shares(after)
    return float(((q - p) * np.log(q / p)).sum())


def _ranked(measure: Callable[[Floats, Floats], float]) -> Callable[[pd.Series[bool], pd.Series[float]], float]:
    """A metric that needs somebody who left and somebody who stayed."""

    def measured(outcome: pd.Series[bool], probability: pd.Series[float]) -> float:
        if outcome.nunique() < 2 or probability.isna().any():
            return np.nan
        return float(measure(_numbers(outcome), _numbers(probability)))

    return measured


METRICS: dict[str, Callable[[pd.Series[bool], pd.Series[float]], float]] = {
    "roc_auc": _ranked(roc_auc_score),
    "average_precision": _ranked(average_precision_score),
    "log_loss": log_loss,
    "brier": brier,
    "ece": calibration_error,
    "lift_top_decile": lift_top_decile,
    "predicted_to_actual": predicted_to_actual,
}


def _judged_moments(
    frame: pd.DataFrame, cells: pd.DataFrame, horizon_days: int, moments: int = EVALUATED_MOMENTS
) -> Iterator[tuple[ChurnModel, pd.DataFrame, pd.DataFrame]]:
    """Model, test rows and their predictions, for each kind at each of its latest moments that can be judged."""
    horizon = pd.Timedelta(days=horizon_days)
    for kind in KINDS:
        own = frame[frame["kind"] == kind]
        for moment in sorted(own["snapshot_at"].unique(), reverse=True)[:moments]:
            training = own[own["snapshot_at"] + horizon <= moment]
            if outcomes_missing(kind, training) is not None:
                continue
            model = ChurnModel.fit(kind, training, _order_cells(cells, moment), horizon_days)
            if model.closed_form is None:
                continue
            test = own[own["snapshot_at"] == moment]
            predictions = {name: model.predict(test, name) for name in CANDIDATES}
            yield model, test, test.assign(**predictions)[list(BACKTEST_COLUMNS)]


def _order_cells(cells: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """Order histories of customers without a subscription at a moment."""
    return cells[(cells["snapshot_at"] == moment) & ~cells["is_subscribed"].astype(bool)]


def _missing(kind: str, cells: pd.DataFrame, outcomes: pd.DataFrame) -> str | None:
    """What a kind lacks to be predicted at all, in words."""
    lost = outcomes["is_churned"].astype(bool)
    if kind == "order":
        try:
            OrderProcess.fit(cells, horizon_days=1)
        except clv.NotEnoughData as error:
            return str(error)
        return outcomes_missing(kind, outcomes) if len(lost) and lost.nunique() < 2 else None
    return outcomes_missing(kind, outcomes)


def _parameter_drift(
    cells: pd.DataFrame, before: pd.Timestamp, after: pd.Timestamp, horizon_days: int
) -> Iterator[tuple[object, ...]]:
    """Rows of `DRIFT_COLUMNS` for the parameters of the closed form at two moments; none where either has no fit."""
    try:
        then, now = (OrderProcess.fit(_order_cells(cells, moment), horizon_days).fit_ for moment in (before, after))
    except clv.NotEnoughData:
        return
    for name, value in now.estimates.items():
        errors = [then.standard_errors[name] or np.nan, now.standard_errors[name] or np.nan]
        z = (value - then.estimates[name]) / math.hypot(*errors)
        verdict = _verdict(abs(z), 2, 3)
        yield "parameter", f"{now.model} {name}", np.nan, z, then.estimates[name], value, verdict


def _splits(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The judged rows as a whole and in parts."""
    if not len(rows):
        return
    yield "holdout", rows[rows["snapshot_at"] == rows["snapshot_at"].max()]
    yield "all_moments", rows
    for day, part in rows.groupby(pd.to_datetime(rows["snapshot_date"])):
        yield f"moment_{day:%Y-%m-%d}", part
    for kind, part in rows.groupby("kind"):
        yield str(kind), part


def _moved_to(predicted: Callable[[str, Callable[[Floats], Floats]], Floats], feature: str, value: float) -> Floats:
    """Predictions with a feature set to one value wherever it is known."""
    return predicted(feature, lambda values: np.where(np.isfinite(values), value, values))


def _bins(probability: Floats) -> npt.NDArray[np.int64]:
    """The tenth (0 to 9) of each prediction; equal predictions are in one."""
    ordered = np.sort(probability)
    bins: npt.NDArray[np.int64] = np.searchsorted(ordered, probability, side="left") * BINS // len(ordered)
    return bins


def _numbers(column: pd.Series[Any]) -> Floats:
    """A column as plain doubles."""
    return np.asarray(column, np.float64)


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _verdict(distance: float, shifting: float, drifted: float) -> str:
    if not np.isfinite(distance):
        return "not known"
    return "drifted" if distance > drifted else "shifting" if distance > shifting else "stable"
