"""What each customer is worth: against the reference library, mart against mart, and against the literature."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifetimes import (  # type: ignore[import-untyped]  # ships no types
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
)

from outside_in.clv.backtests import backtest_table
from outside_in.clv.fits import fit_table
from outside_in.clv.histories import KEYS
from outside_in.clv.scores import score_table
from outside_in.paths import PROJECT
from tests.conftest import REAL_CASES, Built, build

DAYS_PER_WEEK = 7
REFERENCE = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}


def frame(built: Built, sql: str) -> pd.DataFrame:
    """The rows of a query on every layer."""
    with built.warehouse as con:
        return con.execute(sql).df()


@pytest.fixture(scope="module")
def histories(built_sample: Built) -> pd.DataFrame:
    """Order histories counted from the facts without the project's own cells: one row per customer."""
    orders = frame(
        built_sample,
        "select order_id, customer_id, ordered_date, cast(revenue_amount as double) as revenue,"
        " cast(cost_amount as double) as cost from marts.fct_orders where is_order and customer_id is not null",
    )
    refunds = frame(
        built_sample, "select order_id, cast(revenue_amount as double) as refund from marts.fct_returns"
    ).dropna()
    orders["value"] = (orders["revenue"] - orders["cost"]).fillna(orders["revenue"])
    orders["value"] += orders["order_id"].map(refunds.groupby("order_id")["refund"].sum()).fillna(0)
    days = orders.groupby(["customer_id", "ordered_date"], as_index=False)["value"].sum(min_count=1)
    first = days.groupby("customer_id")["ordered_date"].transform("min")
    repeats = days[days["ordered_date"] > first]
    as_of = frame(built_sample, "select as_of_date from staging.stg_raw__as_of")["as_of_date"].iloc[0]
    customers = days.groupby("customer_id")["ordered_date"].agg(["min", "max"])
    return pd.DataFrame(
        {
            "frequency": repeats.groupby("customer_id").size().reindex(customers.index, fill_value=0),
            "recency": (customers["max"] - customers["min"]).dt.days / DAYS_PER_WEEK,
            "age": (as_of - customers["min"]).dt.days / DAYS_PER_WEEK,
            "value": repeats.groupby("customer_id")["value"].mean().reindex(customers.index).clip(lower=0),
        }
    )


@pytest.fixture(scope="module")
def predictions(built_sample: Built) -> pd.DataFrame:
    return frame(built_sample, "select * from marts.customer_value_predictions").set_index("customer_id")


@pytest.fixture(scope="module")
def parameters(built_sample: Built) -> dict[tuple[str, str], dict[str, float]]:
    """Estimates as of the run, by model and whom it was fitted on."""
    fits = frame(
        built_sample,
        "select * from predictions.clv_fits join predictions.clv_snapshots using (snapshot_date)"
        " where is_current and estimate is not null",
    )
    found: dict[tuple[str, str], dict[str, float]] = {}
    for fitted in fits.itertuples():
        key = (str(fitted.model), str(fitted.fitted_on))
        found.setdefault(key, {})[str(fitted.parameter)] = float(str(fitted.estimate))
    return found


def test_histories_are_counted_alike(histories: pd.DataFrame, predictions: pd.DataFrame) -> None:
    mine = predictions.loc[histories.index]
    assert (mine["frequency"] == histories["frequency"]).all()
    assert np.allclose(mine["recency_days"], histories["recency"] * DAYS_PER_WEEK)
    assert np.allclose(mine["age_days"], histories["age"] * DAYS_PER_WEEK)
    assert np.allclose(mine["mean_order_value"], histories["value"], equal_nan=True)


def test_the_reference_library_finds_the_same_parameters(
    histories: pd.DataFrame, parameters: dict[tuple[str, str], dict[str, float]]
) -> None:
    reference = BetaGeoFitter().fit(histories["frequency"], histories["recency"], histories["age"])
    assert parameters["bg_nbd", "(all)"] == pytest.approx(reference.params_.to_dict(), rel=1e-2)
    spenders = histories[(histories["frequency"] > 0) & (histories["value"] > 0)]
    spend = GammaGammaFitter().fit(spenders["frequency"], spenders["value"])
    assert parameters["gamma_gamma", "(all)"] == pytest.approx(spend.params_.to_dict(), rel=1e-2)


def test_the_reference_library_predicts_the_same(
    histories: pd.DataFrame,
    predictions: pd.DataFrame,
    parameters: dict[tuple[str, str], dict[str, float]],
    built_sample: Built,
) -> None:
    """With the marts' own parameters, each customer under the model of their segment."""
    spend = GammaGammaFitter()
    spend.params_ = pd.Series(parameters["gamma_gamma", "(all)"])
    compared = 0
    for choice in frame(built_sample, "select * from predictions.clv_choices").itertuples():
        mine = predictions[
            (predictions["segment"].fillna("(none)") == choice.segment) & (predictions["model"] == choice.model)
        ]
        theirs = histories.loc[mine.index]
        reference = REFERENCE[str(choice.model)]()
        reference.params_ = pd.Series(parameters[str(choice.model), str(choice.fitted_on)])
        told = (theirs["frequency"], theirs["recency"], theirs["age"])
        assert np.allclose(mine["probability_active"], reference.conditional_probability_alive(*told), rtol=1e-6)
        orders = reference.conditional_expected_number_of_purchases_up_to_time(365 / DAYS_PER_WEEK, *told)
        assert np.allclose(mine["expected_orders"], orders, rtol=1e-6)
        value = spend.conditional_expected_average_profit(theirs["frequency"], theirs["value"].fillna(0))
        assert np.allclose(mine["expected_order_value"], value, rtol=1e-9)
        # Discounting takes off less than a year's rate and more than nothing.
        assert (mine["predicted_clv"] < orders * value).all()
        assert (mine["predicted_clv"] > orders * value / 1.1).all()
        compared += len(mine)
    assert compared > 300


def test_an_interval_holds_its_prediction(predictions: pd.DataFrame) -> None:
    known = predictions.dropna(subset=["predicted_clv"])
    assert len(known) == len(predictions)
    assert (known["predicted_clv_low"] <= known["predicted_clv"]).all()
    # Who has most likely left is expected to bring a little, and in 97.5 % of cases brings nothing.
    active = known[known["probability_active"] > 0.5]
    assert len(active) > 100
    assert (active["predicted_clv_high"] > active["predicted_clv"]).all()


def test_the_kpis_are_those_of_the_customers(built_sample: Built) -> None:
    with built_sample.marts as con:
        for kpi, table, measure, dimensions in (
            ("predicted_clv", "customer_value_predictions", "avg(predicted_clv)",
             ["segment", "country", "acquisition_channel", "clv_band"]),
            ("churn_risk", "customer_churn_predictions", "avg(churn_probability)", ["segment", "country", "risk_band"]),
            ("value_at_risk", "customer_churn_predictions", "sum(churn_probability * predicted_clv)",
             ["segment", "risk_band"]),
        ):  # fmt: skip
            found = con.execute(
                "select dimension_name, dimension_value, value from marts.kpi_values where kpi_id = ?", [kpi]
            ).fetchall()
            grains = con.execute(
                "select distinct period_grain from marts.kpi_values where kpi_id = ?", [kpi]
            ).fetchall()
            assert grains == [("all",)]
            wanted = [("overall", "overall", *con.execute(f"select {measure} from marts.{table}").fetchall()[0])]
            for dimension in dimensions:
                wanted += con.execute(
                    f"select '{dimension}', coalesce({dimension}, '(none)'), {measure} as value from marts.{table}"
                    f" group by {dimension} having value is not null"
                ).fetchall()
            assert {row[:2] for row in found} == {row[:2] for row in wanted}
            assert {row[:2]: row[2] for row in found} == pytest.approx({row[:2]: row[2] for row in wanted}, rel=1e-9)


def test_forecast_intervals_hold_what_came(built_sample: Built) -> None:
    """Those of the model that is shown: the one under which the past was likeliest."""
    backtests = frame(built_sample, "select * from marts.clv_model_backtest where holdout_log_likelihood is not null")
    best = backtests.groupby("model")["holdout_log_likelihood"].sum().idxmax()
    shown = backtests[backtests["model"] == best]
    assert len(shown) == 3
    assert shown["actual_orders"].between(shown["expected_orders_low"], shown["expected_orders_high"]).all()


def test_the_order_of_rows_changes_no_bit(built_sample: Built) -> None:
    snapshots, cells, past, spend, contracts, choices = (
        frame(built_sample, f"select * from predictions.clv_{name}")
        for name in ("snapshots", "cells", "past_cells", "spend_cells", "contract_cells", "choices")
    )

    def tables(seed: int) -> list[pd.DataFrame]:
        shuffled = [one.sample(frac=1, random_state=seed) for one in (snapshots, cells, past, spend, contracts)]
        fits = fit_table(*shuffled)
        backtests = backtest_table(shuffled[2], shuffled[4], fits)
        assert len(backtests) > 30
        tried = backtests.sample(frac=1, random_state=seed)
        scores = score_table(shuffled[0], shuffled[1], fits, choices, tried, annual_discount_rate=0.1)
        return [fits, backtests, scores]

    for one, other in zip(tables(1), tables(2), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_small_segments_cost_no_backtests_and_have_the_model_and_errors_of_everybody(built_sample: Built) -> None:
    snapshots, cells, past, spend, contracts = (
        frame(built_sample, f"select * from predictions.clv_{name}")
        for name in ("snapshots", "cells", "past_cells", "spend_cells", "contract_cells")
    )
    for one in (cells, past):
        one["segment"] = [f"of few {number % 40}" for number in range(len(one))]
    cells = cells.groupby([*KEYS, "segment"], as_index=False).sum(numeric_only=True)
    fits = fit_table(snapshots, cells, past, spend, contracts)
    backtests = backtest_table(past, contracts, fits)
    assert set(backtests["segment"]) == {"(all)"}
    segments = sorted(set(cells["segment"]))
    choices = pd.DataFrame({"segment": segments, "fitted_on": "(all)", "model": "bg_nbd"})
    of_few = score_table(snapshots, cells, fits, choices, backtests, annual_discount_rate=0.1)
    everybody = cells.assign(segment="(one)").groupby([*KEYS, "segment"], as_index=False).sum(numeric_only=True)
    choices = choices.head(1).assign(segment="(one)")
    of_all = score_table(snapshots, everybody, fits, choices, backtests, annual_discount_rate=0.1)
    both = of_few.merge(of_all, on=KEYS, suffixes=("", "_of_all"))
    assert len(both) == len(of_few) > 300
    assert both["high_factor"].to_numpy() == pytest.approx(both["high_factor_of_all"].to_numpy(), rel=1e-9)


def test_a_segment_that_is_called_what_everybody_is_called_changes_no_fit(built_sample: Built) -> None:
    snapshots, cells, past, spend, contracts = (
        frame(built_sample, f"select * from predictions.clv_{name}")
        for name in ("snapshots", "cells", "past_cells", "spend_cells", "contract_cells")
    )

    def fits_of_everybody(segment: str) -> pd.DataFrame:
        names = (segment, "other")
        now, then = (one.assign(segment=[names[row % 2] for row in range(len(one))]) for one in (cells, past))
        fits = fit_table(snapshots, now, then, spend, contracts)
        return fits[fits["fitted_on"] == "(all)"].reset_index(drop=True)

    pd.testing.assert_frame_equal(fits_of_everybody("(all)"), fits_of_everybody("one"), check_exact=True)


def test_python_models_run_again_only_where_what_they_read_has_changed(built_sample: Built, tmp_path: Path) -> None:
    """And an equal result is no news for those who read it."""
    database = tmp_path / "build" / "warehouse.duckdb"
    shutil.copytree(built_sample.out / "build", database.parent)
    models = {"churn_champions", "churn_calibration", "churn_model_calibration"}

    def made() -> set[str]:
        place: list[str | Path] = [
            "--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", tmp_path, "--log-path", tmp_path,
        ]  # fmt: skip
        subprocess.run(
            [Path(sys.executable).parent / "dbt", "--quiet", "run", *place, "--select", *sorted(models)],
            env=os.environ | {"RAW_DIR": str(built_sample.raw), "OUTSIDE_IN_DATABASE": str(database)},
            check=True,
        )
        results = json.loads((tmp_path / "run_results.json").read_text("utf-8"))["results"]
        answers = {one["unique_id"].split(".")[-1]: one["adapter_response"].get("_message") for one in results}
        return {name for name in models if answers[name] != "KEPT"}

    def note(sql: str) -> None:
        with duckdb.connect(str(database)) as con:
            con.execute(f"update kept.nodes set {sql}")

    assert not made()
    note("version = version + 1 where name like '%.churn_champions'")
    assert made() == {"churn_calibration"}
    note("definition = 'of other code' where name like '%.churn_c%'")
    assert made() == {"churn_champions", "churn_calibration"}
    assert not made()


def test_a_day_later_nothing_is_learned_again_from_the_same_past(built_sample: Built, tmp_path: Path) -> None:
    database = tmp_path / "build" / "warehouse.duckdb"
    shutil.copytree(built_sample.out / "build", database.parent)
    with duckdb.connect(str(database)) as con:
        as_of, latest = con.execute("""
            select max(snapshot_at), max(snapshot_date) filter (not is_current) from predictions.churn_snapshots
        """).fetchall()[0]
        later = as_of + timedelta(days=1)
        assert (later - timedelta(days=90)).date().replace(day=1) == latest  # the day opens no month
    place: list[str | Path] = [
        "--project-dir", PROJECT, "--profiles-dir", PROJECT, "--target-path", tmp_path, "--log-path", tmp_path,
    ]  # fmt: skip
    place += ["--select", "+churn_importance", "+churn_calibration", "churn_scores"]
    subprocess.run(
        [Path(sys.executable).parent / "dbt", "--quiet", "run", *place, "--vars", json.dumps({"as_of": str(later)})],
        env=os.environ | {"RAW_DIR": str(built_sample.raw), "OUTSIDE_IN_DATABASE": str(database)},
        check=True,
    )
    results = json.loads((tmp_path / "run_results.json").read_text("utf-8"))["results"]
    answers = {one["unique_id"].split(".")[-1]: one["adapter_response"].get("_message") for one in results}
    made = {name for name, answer in answers.items() if name.startswith("churn_") and answer != "KEPT"}
    assert {"churn_features", "churn_past_features", "churn_scores"} <= made
    assert not made & {"churn_backtest", "churn_importance", "churn_calibration"}


@pytest.mark.skipif(not REAL_CASES.exists(), reason="the real cases are not beside the project")
def test_published_parameters_come_out_of_the_command(tmp_path: Path) -> None:
    """Fader, Hardie and Lee (2005), calibration weeks of the CDNOW sample."""
    case = REAL_CASES / "cdnow_sample"
    built = build(case / "raw_calibration", tmp_path / "out", case / "vars_calibration.yml")
    database = built.out / "published" / "warehouse.duckdb"
    done = subprocess.run(
        [sys.executable, str(REAL_CASES / "check_case.py"), str(case), str(database), "--models"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with built.marts as con:
        contracts = con.execute(
            "select parameter, note from marts.clv_model_fit where model = 'shifted_beta_geometric'"
        ).fetchall()
    assert contracts[0][0] == "(none)" and contracts[0][1].startswith("not enough data: needs")
