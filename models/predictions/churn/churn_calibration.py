from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per split and bin of predictions."""
    dbt.config(materialized="kept")
    return churn.calibrate(read(dbt.ref("churn_backtest")), read(dbt.ref("churn_champions")))
