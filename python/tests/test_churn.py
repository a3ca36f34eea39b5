"""Churn: reaches the published level on CDNOW, finds a planted cause, knows nothing of the future, admits ignorance."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]  # ships no types

from outside_in import churn, clv
from outside_in.churn import evaluation
from outside_in.churn.evaluation import calibration_error, lift_top_decile, log_loss, stability_index
from outside_in.churn.model import (
    CANDIDATES,
    FEATURES,
    ChurnModel,
    Floats,
    OrderProcess,
    lessons,
    ordered,
    outcomes_missing,
    prepared,
    with_order_rhythm,
)
from outside_in.churn.reasons import REASONS, Number, told_reasons, usual_values
from outside_in.paths import PROJECT
from tests.conftest import Built
from tests.test_dbt import dbt

HORIZON = 91
# Past features, cells (as_of included) and as_of.
Drawn = tuple[pd.DataFrame, pd.DataFrame, pd.Timestamp]
# Past features and cells.
Planted = tuple[pd.DataFrame, pd.DataFrame]


def order_features(orders: pd.DataFrame, moments: list[pd.Timestamp], horizon_days: int = HORIZON) -> pd.DataFrame:
    """The rows of `churn_features` that follow from orders alone (customer_id, day, value; one row per day)."""
    frames = []
    for moment in moments:
        seen = orders[orders["day"] < moment]
        histories = seen.groupby("customer_id").agg(
            first=("day", "min"), last=("day", "max"), days=("day", "size"), mean_order_amount=("value", "mean")
        )
        recent = seen[seen["day"] >= moment - pd.Timedelta(days=90)].groupby("customer_id").size()
        after = orders[(orders["day"] >= moment) & (orders["day"] < moment + pd.Timedelta(days=horizon_days))]
        frames.append(
            pd.DataFrame(
                {
                    "snapshot_at": moment,
                    "snapshot_date": moment.normalize(),
                    "is_subscribed": False,
                    "is_churned": ~histories.index.isin(after["customer_id"]),
                    "frequency": histories["days"] - 1,
                    "recency_days": (histories["last"] - histories["first"]).dt.days,
                    "age_days": (moment - histories["first"]).dt.days,
                    "subscribed_days": np.nan,
                    "mean_order_amount": histories["mean_order_amount"],
                    "recent_order_count": recent.reindex(histories.index, fill_value=0),
                }
            ).reset_index()
        )
    return with_order_rhythm(pd.concat(frames, ignore_index=True)).reindex(
        columns=[*frames[0].columns, *(name for name in FEATURES if name not in frames[0].columns)]
    )


def order_cells(features: pd.DataFrame) -> pd.DataFrame:
    """The rows of `churn_cells`."""
    keys = ["snapshot_at", "is_subscribed", "frequency", "recency_days", "age_days"]
    return features.groupby(keys, dropna=False).size().rename("customer_count").reset_index()


def months_before(as_of: pd.Timestamp, horizon_days: int, count: int, step_days: int = 30) -> list[pd.Timestamp]:
    """Past moments with a known outcome, the latest first."""
    return [as_of - pd.Timedelta(days=horizon_days + step * step_days) for step in range(count)]


def drawn_orders(customers: int, days: int, seed: int) -> pd.DataFrame:
    """Orders as MBG/NBD draws them: a rate of one's own, and a chance to leave after each order, the first included."""
    rng = np.random.default_rng(seed)
    begins = rng.integers(0, days // 2, customers)
    orders = np.minimum(rng.geometric(rng.beta(1.2, 4.0, customers)), 300)
    who = np.repeat(np.arange(customers), orders)
    gaps = rng.exponential(1 / rng.gamma(1.2, 1 / 30, customers)[who])
    is_first = np.diff(who, prepend=-1) > 0
    waited = np.cumsum(np.where(is_first, 0, gaps))
    day = begins[who] + np.floor(waited - waited[is_first][who])
    who, day = who[day < days], day[day < days]
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in who],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
            "value": 20.0,
        }
    ).drop_duplicates(["customer_id", "day"], ignore_index=True)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """1500 drawn customers."""
    as_of, horizon = pd.Timestamp("2025-09-01"), 90
    orders = drawn_orders(1500, 609, seed=3)
    past = order_features(orders, months_before(as_of, horizon, 10), horizon)
    return past, order_cells(pd.concat([past, order_features(orders, [as_of], horizon)])), as_of


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """Days with an order of all 23,570 customers."""
    text = importlib.resources.files("lifetimes").joinpath("datasets/CDNOW_master.txt").read_text("ascii")
    rows = [line.split() for line in text.splitlines()[1:] if line.strip()]
    orders = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "day": pd.to_datetime([row[1] for row in rows]),
            "value": [float(row[3]) for row in rows],
        }
    )
    return orders.groupby(["customer_id", "day"], as_index=False).agg(value=("value", "sum"))


@pytest.fixture(scope="module")
def judged_cdnow(cdnow: pd.DataFrame) -> pd.DataFrame:
    moments = [pd.Timestamp("1998-04-01") - step * pd.Timedelta(days=HORIZON) for step in range(5)]
    features = order_features(cdnow, moments)
    return churn.backtest(features, order_cells(features), HORIZON)


@pytest.mark.parametrize(("moment", "goal"), [("1997-12-31", 0.348), ("1998-04-01", 0.300)])
def test_cdnow_reaches_the_goal(judged_cdnow: pd.DataFrame, moment: str, goal: float) -> None:
    rows = judged_cdnow[judged_cdnow["snapshot_at"] == moment]
    assert len(rows) == 23570
    losses = {name: log_loss(rows["is_churned"], rows[name]) for name in CANDIDATES}
    assert losses["combined"] <= goal
    assert losses["combined"] < losses["closed_form"] < losses["recency"] < losses["constant"]
    assert calibration_error(rows["is_churned"], rows["combined"]) <= 0.020


def test_cdnow_not_active_is_no_churn_probability(cdnow: pd.DataFrame) -> None:
    """What everybody takes for it first, 1 - P(active), is off by 30 points."""
    features = order_features(cdnow, [pd.Timestamp("1998-04-01")])
    process = OrderProcess.fit(order_cells(features), HORIZON)
    gone = 1 - clv.score(process.fit_, features.assign(customer_count=1), HORIZON)["probability_active"]
    assert calibration_error(features["is_churned"], gone) > 0.25
    assert calibration_error(features["is_churned"], pd.Series(process.predict(features))) < 0.03


def test_a_model_never_learns_from_an_open_horizon(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    past, cells, _ = drawn
    learned: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    fit = ChurnModel.fit

    def spy(kind: str, training: pd.DataFrame, own: pd.DataFrame, horizon_days: int) -> ChurnModel:
        learned.append((training["snapshot_at"].max(), own["snapshot_at"].iloc[0]))
        return fit(kind, training, own, horizon_days)

    monkeypatch.setattr(ChurnModel, "fit", spy)
    judged = churn.backtest(past, cells, 90)
    assert judged["snapshot_at"].nunique() == len(learned) == 4
    assert all(latest + pd.Timedelta(days=90) <= moment for latest, moment in learned)


def test_outcomes_that_came_later_change_no_prediction(drawn: Drawn) -> None:
    past, cells, _ = drawn
    moment = sorted(past["snapshot_at"].unique())[-4]
    is_open = past["snapshot_at"] + pd.Timedelta(days=90) > moment
    turned = past.assign(is_churned=np.where(is_open, ~past["is_churned"], past["is_churned"]).astype(bool))
    before, after = (churn.backtest(frame, cells, 90) for frame in (past, turned))
    columns = ["customer_id", *CANDIDATES]
    pd.testing.assert_frame_equal(
        before.loc[before["snapshot_at"] == moment, columns], after.loc[after["snapshot_at"] == moment, columns]
    )


def test_horizons_overlap_only_where_there_is_little_to_learn_from() -> None:
    moments = months_before(pd.Timestamp("2025-09-01"), 90, 7)
    few = pd.DataFrame({"snapshot_at": moments})
    assert len(lessons(few, 90)) == 7
    many = few.loc[few.index.repeat(6000)]
    assert sorted(lessons(many, 90)["snapshot_at"].unique(), reverse=True) == moments[::3]
    assert sorted(lessons(many, 91)["snapshot_at"].unique(), reverse=True) == moments[::4]


def test_a_simulated_truth_is_found(drawn: Drawn) -> None:
    """The closed form is nearly the law that drew them; the combination is as good, and calibrated."""
    past, cells, as_of = drawn
    judged = churn.backtest(past, cells, 90)
    row = churn.choose(past, cells, judged, as_of).set_index("kind").loc["order"]
    assert row["champion"] in ("closed_form", "combined")
    losses = {name: log_loss(judged["is_churned"], judged[name]) for name in CANDIDATES}
    assert losses["combined"] < 1.01 * losses["closed_form"] < losses["recency"] < losses["constant"]
    assert abs(judged["combined"].sum() / judged["is_churned"].sum() - 1) < 0.03
    assert calibration_error(judged["is_churned"], judged["combined"]) < 0.03


@pytest.fixture(scope="module")
def planted() -> Planted:
    """Whoever waited leaves with a chance of .8, everybody else with .3; contacts are noise."""
    rng = np.random.default_rng(5)
    rows = order_features(drawn_orders(2500, 609, seed=8), months_before(pd.Timestamp("2025-09-01"), 90, 8), 90)
    waits = rng.random(len(rows)) < 0.2
    rows = rows.assign(
        long_wait_count=np.where(waits, 2.0, 0.0),
        longest_wait_minutes=np.where(waits, 12.0, 0.5),
        contact_count=rng.poisson(1, len(rows)).astype(float),
        is_churned=rng.random(len(rows)) < np.where(waits, 0.8, 0.3),
    )
    return rows, order_cells(rows)


def test_a_planted_cause_is_weighed_and_told(
    planted: Planted,
) -> None:
    rows, cells = planted
    weights = churn.weigh_features(rows, cells, 90).set_index("feature")
    waits = weights.loc[["long_wait_count", "longest_wait_minutes"]]
    assert waits["importance"].sum() > 10 * weights.loc[["contact_count"], "importance"].abs().sum()
    assert set(waits.loc[waits["importance"] > 0.001, "direction"]) == {"raises churn"}
    moment = rows["snapshot_at"].max()
    model = ChurnModel.fit("order", prepared(rows), cells[cells["snapshot_at"] == moment], 90)
    now = prepared(rows[rows["snapshot_at"] == moment])
    told = told_reasons(now, lambda frame: model.predict(frame, "combined"), usual_values(prepared(rows)))
    words = told.fillna("").agg(" / ".join, axis=1)
    waited = (now["long_wait_count"] > 0).to_numpy()
    sentence = "waited 12 minutes in the queue, 2 long waits in the last 90 days"
    # Whom nothing can bring back is not told what would.
    assert words[waited].str.contains(sentence, regex=False).mean() > 0.9
    assert not words[~waited].str.contains("waited", regex=False).any()


def test_what_happens_to_few_has_a_direction(planted: Planted) -> None:
    """One in twenty gave up: the 10th and the 90th percentile are both 0."""
    rows, cells = planted
    gave_up = np.random.default_rng(6).random(len(rows)) < 0.05
    rows = rows.assign(abandoned_count=gave_up.astype(float), is_churned=rows["is_churned"] | gave_up)
    weight = churn.weigh_features(rows, cells, 90).set_index("feature").loc["abandoned_count"]
    assert weight["importance"] > 0.01
    assert weight["effect"] > 0.1 and weight["direction"] == "raises churn"


def test_a_reason_raises_the_risk(planted: Planted) -> None:
    """A model that waits cannot move tells no waits; a model that they lower the risk of tells them just as little."""
    rows, _ = planted
    frame = prepared(rows).head(500)
    usual = usual_values(prepared(rows))

    def constant(customers: pd.DataFrame) -> Floats:
        return np.full(len(customers), 0.4)

    def soothed(customers: pd.DataFrame) -> Floats:
        return np.asarray(0.8 - 0.2 * (customers["long_wait_count"] > 0), np.float64)

    assert told_reasons(frame, constant, usual).isna().all(axis=None)
    assert told_reasons(frame, soothed, usual).isna().all(axis=None)


def test_reasons_are_ordered_and_never_good_news() -> None:
    usual = pd.Series(dict.fromkeys((*FEATURES, "recency_days", "age_days"), 1.0))
    usual["mean_csat"], usual["days_since_order"] = 4.0, 20.0
    frame = with_order_rhythm(
        pd.DataFrame({name: [np.nan, np.nan] for name in FEATURES}).assign(
            frequency=[2.0, 0.0],
            recency_days=[60.0, 0.0],
            age_days=[154.0, 25.0],
            mean_csat=[2.0, 5.0],
            contact_count=[1.0, 3.0],
        )
    )

    def risk(rows: pd.DataFrame) -> Floats:
        calls = rows["contact_count"].fillna(0) * 0.05
        return np.asarray(
            rows["days_since_order"] / 400 + (5 - rows["mean_csat"].fillna(5)) / 20 + calls + 0.02 * rows["frequency"],
            np.float64,
        )

    told = told_reasons(frame, risk, usual)
    assert list(told.to_numpy()[0]) == [
        "no order for 94 days, usually every 30 days",
        "rates satisfaction 2.0 of 5, customers who stay 4.0",
        None,
    ]
    assert list(told.to_numpy()[1]) == [
        "contacted service 3 times in the last 90 days",
        "no order for 25 days after the first one",
        None,
    ]


def test_every_reason_reads_well() -> None:
    """Each sentence can be said of any numbers, and speaks of the windows that the features have."""
    values = {name: Number(2) for name in (*FEATURES, "order_days")}
    usual = SimpleNamespace(**values)
    windows = {int(days) for days in re.findall(r"return\((90|365)\)", _macros())}
    assert windows == {90, 365}
    assert {reason.column for reason in REASONS} <= set(FEATURES)
    for reason in REASONS:
        sentence = reason.words.format(**values, usual=usual)
        assert "{" not in sentence and "nan" not in sentence
        for days in re.findall(r"last (\d+) days", sentence):
            assert int(days) in windows


@pytest.mark.parametrize(
    ("number", "spec", "text"),
    [(1, "times", "once"), (2, "times", "twice"), (3, "times", "3 times"), (1, "day|days", "1 day"), (0, "a|b", "0 b")],
)
def test_numbers_in_words(number: float, spec: str, text: str) -> None:
    assert format(Number(number), spec) == text


def _macros() -> str:
    return (PROJECT / "macros" / "predictions" / "churn.sql").read_text("utf-8")


# Little data


def _without(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:0]


LITTLE: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "no orders at all": (_without, "customers"),
    "30 customers": (lambda rows: rows[rows["customer_id"] < "c00030"], "customers"),
    "one day of history": (
        lambda rows: rows.assign(frequency=0, recency_days=0, age_days=1, days_since_order=1),
        "needs",
    ),
    "nobody ever ordered twice": (lambda rows: rows.assign(frequency=0, recency_days=0), "repeat"),
    "everybody left": (lambda rows: rows.assign(is_churned=True), "who have stayed"),
}


@pytest.mark.parametrize("name", LITTLE)
def test_little_data_says_what_is_needed(name: str, drawn: Drawn) -> None:
    past, _, as_of = drawn
    change, needed = LITTLE[name]
    rows = change(past)
    current = change(past[past["snapshot_at"] == past["snapshot_at"].max()]).assign(snapshot_at=as_of)
    cells = order_cells(pd.concat([rows, current]))
    judged = churn.backtest(rows, cells, 90)
    champions = churn.choose(rows, cells, judged, as_of)
    assert champions["champion"].isna().all()
    note = champions.set_index("kind").loc["order", "note"]
    assert str(note).startswith("not enough data: needs ") and needed in str(note)
    metrics = churn.evaluate(judged, champions)
    assert set(metrics["split"]) == {"holdout", "order", "subscription"}
    assert metrics["value"].isna().all() and metrics["note"].notna().all()
    assert churn.calibrate(judged, champions).empty
    scorer = churn.Scorer.fit(rows, cells, champions, as_of, 90)
    assert list(scorer.score(current).columns) == scored_columns() and scorer.score(current).empty
    churn.weigh_features(rows, cells, 90)
    churn.drift(rows, current, cells, 90)


def test_little_data_is_counted_by_person() -> None:
    """Not by moment: twelve of one subscriber tell of one."""
    people = [f"c{n}" for n in range(120)]
    past = pd.DataFrame({"customer_id": people, "is_churned": [n < 19 for n in range(120)]})
    assert outcomes_missing("subscription", past.iloc[:99]) is not None
    assert "100 subscribers, found 30" in str(outcomes_missing("subscription", pd.concat([past.iloc[:30]] * 12)))
    assert "found 19 and 101" in str(outcomes_missing("subscription", pd.concat([past] * 12)))
    assert outcomes_missing("subscription", past.assign(is_churned=[n < 20 for n in range(120)])) is None


def scored_columns() -> list[str]:
    return ["customer_id", "churn_probability", "model", "reason_1", "reason_2", "reason_3"]


def test_too_few_moments_leave_the_closed_form_and_say_so(
    drawn: Drawn,
) -> None:
    past, cells, as_of = drawn
    for rows in (past[past["snapshot_at"] > as_of - pd.Timedelta(days=130)], _without(past)):
        judged = churn.backtest(rows, cells, 90)
        order = churn.choose(rows, cells, judged, as_of).set_index("kind").loc["order"]
        assert order["champion"] == "closed_form"
        assert "needs 4 judged moments to compare models, found 0" in str(order["note"])
        scorer = churn.Scorer.fit(rows, cells, churn.choose(rows, cells, judged, as_of), as_of, 90)
        scores = scorer.score(past[past["snapshot_at"] == past["snapshot_at"].max()].assign(snapshot_at=as_of))
        assert scores["churn_probability"].between(0, 1, inclusive="neither").all()


# Numbers of the evaluation


def test_metrics_by_hand() -> None:
    outcome = pd.Series([True, False, False, False] * 10)
    same = pd.Series([0.25] * 40)
    assert log_loss(outcome, same) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert calibration_error(outcome, same) == pytest.approx(0)
    assert lift_top_decile(outcome, same) == pytest.approx(1)
    sure = outcome.map({True: 0.9, False: 0.1})
    assert lift_top_decile(outcome, sure) == pytest.approx(4)
    assert calibration_error(outcome, sure) == pytest.approx(0.1)
    assert evaluation.brier(outcome, sure) == pytest.approx(0.01)


def test_a_moment_at_which_nobody_left_has_no_ratio_to_what_came() -> None:
    outcome, predicted = pd.Series([True, False, False]), pd.Series([0.5, 0.2, 0.2])
    ratio = evaluation.METRICS["predicted_to_actual"]
    assert ratio(outcome, predicted) == pytest.approx(0.9)
    assert np.isnan(ratio(outcome & False, predicted))


def test_stability_index_by_hand() -> None:
    before = np.arange(100.0)
    assert stability_index(before, before[::-1]) == pytest.approx(0)
    known_half = np.where(np.arange(100) < 50, before, np.nan)
    assert stability_index(np.full(100, 7.0), np.where(np.arange(100) < 50, 7.0, np.nan)) == pytest.approx(
        0.5 * np.log(2) + (0.5 - 1e-4) * np.log(0.5 / 1e-4), rel=1e-3
    )
    assert stability_index(before, known_half) > 0.25
    nobody = np.full(100, np.nan)
    assert np.isnan(stability_index(nobody, nobody))
    assert min(stability_index(nobody, before), stability_index(before, nobody)) > 0.25
    # Who was in the highest tenth is not known any more: as many as before, and not the same.
    unknown = np.where(before < 90, before, np.nan)
    assert stability_index(before, unknown) == pytest.approx(2 * (0.1 - 1e-4) * np.log(0.1 / 1e-4), rel=0.05)


def test_calibration_counts_who_left() -> None:
    judged = pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(10)],
            "snapshot_at": pd.Timestamp("2024-01-01"),
            "snapshot_date": pd.Timestamp("2024-01-01"),
            "kind": "order",
            "is_churned": [True, True, False, False, False] + [True] * 4 + [False],
            "combined": [0.3] * 5 + [0.8] * 5,
        }
    )
    judged[["constant", "recency", "closed_form"]] = 0.5
    champions = pd.DataFrame({"kind": ["order"], "champion": ["combined"]})
    bins = churn.calibrate(judged, champions).query("split == 'holdout'")
    assert bins[["bin", "customer_count", "churned_count"]].to_numpy().tolist() == [[1, 5, 2], [6, 5, 4]]
    assert bins["predicted_share"].tolist() == pytest.approx([0.3, 0.8])


def test_the_lowest_past_loss_speaks(drawn: Drawn) -> None:
    past, cells, as_of = drawn
    judged = churn.backtest(past, cells, 90)
    for name in CANDIDATES:
        best = judged.assign(**{name: np.where(judged["is_churned"], 0.99, 0.01)})
        assert churn.choose(past, cells, best, as_of).set_index("kind").loc["order", "champion"] == name


# Scores


def test_trees_are_given_their_rows_in_one_order(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sums are exact as long as errors span few powers of two, so the result alone would tell it by chance."""
    past, cells, as_of = drawn
    given: list[tuple[Floats, Floats]] = []
    fit = HistGradientBoostingClassifier.fit

    def spy(trees: HistGradientBoostingClassifier, rows: Floats, outcome: Floats) -> HistGradientBoostingClassifier:
        given.append((rows, outcome))
        return fit(trees, rows, outcome)

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", spy)
    champions = pd.DataFrame({"kind": ["order"], "champion": ["combined"]})
    churn.Scorer.fit(past.sample(frac=1, random_state=1), cells, champions, as_of, 90)
    [(rows, outcome)] = given
    wanted = ordered(past)
    assert wanted["days_since_order"].nunique() > 100
    np.testing.assert_array_equal(rows[:, FEATURES.index("days_since_order")], wanted["days_since_order"])
    np.testing.assert_array_equal(outcome, wanted["is_churned"])


def test_the_order_of_rows_changes_no_bit_of_the_evaluation(drawn: Drawn) -> None:
    past, cells, as_of = drawn
    latest = past[past["snapshot_at"] == past["snapshot_at"].max()].assign(snapshot_at=as_of)
    champions = pd.DataFrame(
        {"kind": ["order", "subscription"], "champion": ["combined", "closed_form"], "note": [None, None]}
    )

    def told(arrived: Callable[[pd.DataFrame], pd.DataFrame]) -> list[pd.DataFrame]:
        judged = churn.backtest(arrived(past), arrived(cells), 90)
        # Both kinds, as they are told together.
        both = judged.assign(kind=np.where(judged["customer_id"] < "c00700", "order", "subscription"))
        return [
            judged,
            churn.evaluate(arrived(both), arrived(champions)),
            churn.calibrate(arrived(both), arrived(champions)),
            churn.weigh_features(arrived(past), arrived(cells), 90),
            churn.drift(arrived(past), arrived(latest), arrived(cells), 90),
        ]

    in_order, shuffled = told(lambda rows: rows), told(lambda rows: rows.sample(frac=1, random_state=3))
    for one, other in zip(in_order, shuffled, strict=True):
        assert len(one) and one.equals(other)  # pandas' own assertion lets nullable numbers differ a little


def test_a_tie_of_candidates_is_no_matter_of_order(drawn: Drawn) -> None:
    past, cells, as_of = drawn
    judged = churn.backtest(past, cells, 90)
    # Two candidates of equal loss, but for the last digits of their sums.
    guesses = np.random.default_rng(1).uniform(0.1, 0.9, len(judged))
    judged = judged.assign(is_churned=True, constant=0.01, recency=0.01, closed_form=guesses, combined=guesses[::-1])
    chosen = {
        churn.choose(past, cells, judged.sample(frac=1, random_state=seed), as_of)["champion"].iloc[0]
        for seed in range(12)
    }
    assert len(chosen) == 1


def test_scores_do_not_depend_on_batches_or_order(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    past, cells, as_of = drawn
    judged = churn.backtest(past, cells, 90)
    champions = churn.choose(past, cells, judged, as_of)
    champions["champion"] = champions["kind"].map({"order": "combined"})
    scorer = churn.Scorer.fit(past, cells, champions, as_of, 90)
    shuffled = past.sample(frac=1, random_state=1), cells.sample(frac=1, random_state=2)
    again = churn.Scorer.fit(*shuffled, champions, as_of, 90)
    current = past[past["snapshot_at"] == past["snapshot_at"].max()].assign(snapshot_at=as_of, is_churned=None)
    whole = scorer.score(current)
    pd.testing.assert_frame_equal(whole, again.score(current.sample(frac=1, random_state=3)), check_exact=True)
    monkeypatch.setattr("outside_in.churn.scoring.BATCH_ROWS", 97)
    relation = duckdb.from_arrow(pa.Table.from_pandas(current.astype({"is_churned": "boolean"})))
    streamed = churn.score_relation(scorer, relation).read_all().to_pandas()
    pd.testing.assert_frame_equal(
        whole.sort_values("customer_id", ignore_index=True),
        streamed.sort_values("customer_id", ignore_index=True),
        check_dtype=False,
        check_exact=True,
    )


# The dbt models


def test_every_active_customer_is_predicted(built_sample: Built) -> None:
    with built_sample.warehouse as con:
        active = "select count(*) from intermediate.int_customers__active_spans, marts.run_context "
        expected = con.sql(active + "where active_from < as_of and active_until >= as_of").fetchall()
        assert con.sql("select count(*) from marts.customer_churn_predictions").fetchall() == expected
        wrong = """
            select count(*) from marts.customer_churn_predictions
            where (churn_probability is null) <> (risk_band is null)
                or value_at_risk is distinct from churn_probability * predicted_clv
                or (reason_1 is null and reason_2 is not null) or (reason_2 is null and reason_3 is not null)
        """
        assert con.sql(wrong).fetchall() == [(0,)]


def test_features_know_nothing_of_what_came_later(built_sample: Built, tmp_path: Path) -> None:
    """The features of a past moment are those that a run at that moment had: every later row is unknown to it."""
    with built_sample.warehouse as con:
        past = "predictions.churn_snapshots where not is_current"
        moment = con.sql(f"select max(snapshot_at) from {past}").fetchall()[0][0]
        columns = [row[0] for row in con.sql("describe predictions.churn_features").fetchall()]
        columns = [name for name in columns if name not in ("is_current", "is_churned")]
        later = con.sql(f"from predictions.churn_features where snapshot_at = '{moment}'").arrow().read_all()
        # Whose device became somebody else's, and who asked to be forgotten, is not in the past any more either.
        moved = con.sql("""
            select customer_id from staging.stg_raw__customer_identities where identity_value in (
                select identity_value from staging.stg_raw__customer_identities
                group by identity_value having count(distinct customer_id) > 1
            )
        """).fetchall()
        erased = con.sql("select customer_id from staging.stg_raw__erased_customers").fetchall()
    excluded = {row[0] for row in [*moved, *erased]}
    then = Built(built_sample.raw, tmp_path, {})
    (tmp_path / "build").mkdir()
    arguments = ("--select", "+churn_features", "--exclude-resource-type", "test", "unit_test")
    dbt(then, tmp_path, "build", *arguments, "--vars", f"{{as_of: '{moment}'}}")
    with then.warehouse as con:
        earlier = con.sql("from predictions.churn_features where is_current").arrow().read_all()
    frames = [table.to_pandas()[columns].sort_values("customer_id") for table in (earlier, later)]
    frames = [frame[~frame["customer_id"].isin(excluded)].reset_index(drop=True) for frame in frames]
    assert len(frames[0]) > 100
    pd.testing.assert_frame_equal(*frames)
