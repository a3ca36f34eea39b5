from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per feature, and per parameter of the closed form."""
    dbt.config(materialized="kept")
    run = read(dbt.ref("churn_snapshots").filter("is_current")).iloc[0]
    features = dbt.ref("churn_features")
    past = read(features.filter("not is_current"))
    current = read(features.filter("is_current and is_sampled"))
    cells = read(dbt.ref("churn_cells"))
    return churn.drift(past, current, cells, int(run["horizon_days"]))
