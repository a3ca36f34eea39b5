-- grain: one row per split and bin of predictions
with

bins as (
    select * from {{ ref('churn_calibration') }}
)

select
    split,
    bin,
    customer_count,
    predicted_share,
    churned_share,
    ci_low,
    ci_high
from bins
