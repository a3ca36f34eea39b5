from outside_in import churn
from outside_in.frames import read


def model(dbt, session):
    """grain: one row per active customer_id whose kind can be predicted."""
    dbt.config(materialized="kept")
    run = read(dbt.ref("churn_snapshots").filter("is_current")).iloc[0]
    features = dbt.ref("churn_features")
    past = read(features.filter("not is_current"))
    cells, champions = read(dbt.ref("churn_cells")), read(dbt.ref("churn_champions"))
    scorer = churn.Scorer.fit(past, cells, champions, run["snapshot_at"], int(run["horizon_days"]))
    return churn.score_relation(scorer, features.filter("is_current"))
