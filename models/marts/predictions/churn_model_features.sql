-- grain: one row per feature
with

importances as (
    select * from {{ ref('churn_importance') }}
)

select
    feature,
    importance,
    standard_error,
    direction,
    effect,
    known_share
from importances
