from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per active customer_id whose kind can be predicted."""
    dbt.config(materialized="kept")
    run = read(dbt.ref("churn_snapshots").filter("is_current")).iloc[0]
    past, cells = read(dbt.ref("churn_past_features")), read(dbt.ref("churn_cells"))
    champions, horizon_days = read(dbt.ref("churn_champions")), int(dbt.config.get("horizon_days"))
    scorer = churn.Scorer.fit(past, cells, champions, run["snapshot_at"], horizon_days)
    return churn.score_relation(scorer, dbt.ref("churn_features").filter("is_current"))
