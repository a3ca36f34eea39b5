from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per feature, and per parameter of the closed form."""
    dbt.config(materialized="kept")
    past = read(dbt.ref("churn_past_features"))
    current = read(dbt.ref("churn_features").filter("is_current and is_sampled"))
    return churn.drift(past, current, read(dbt.ref("churn_cells")), int(dbt.config.get("horizon_days")))
