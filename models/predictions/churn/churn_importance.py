from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per feature."""
    dbt.config(materialized="kept")
    horizon_days = int(dbt.config.get("horizon_days"))
    return churn.weigh_features(read(dbt.ref("churn_past_features")), read(dbt.ref("churn_past_cells")), horizon_days)
