from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per customer_id and snapshot_at that was judged."""
    dbt.config(materialized="kept")
    run = read(dbt.ref("churn_snapshots").filter("is_current")).iloc[0]
    features = read(dbt.ref("churn_features").filter("not is_current"))
    cells = read(dbt.ref("churn_cells"))
    return churn.backtest(features, cells, int(run["horizon_days"]))
