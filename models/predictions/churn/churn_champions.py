from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per kind of customer, the model that speaks for it."""
    dbt.config(materialized="kept")
    run = read(dbt.ref("churn_snapshots").filter("is_current")).iloc[0]
    features, cells = read(dbt.ref("churn_past_features")), read(dbt.ref("churn_cells"))
    return churn.choose(features, cells, read(dbt.ref("churn_backtest")), run["snapshot_at"])
