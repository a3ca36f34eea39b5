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
    cast(churned_count as double) / nullif(customer_count, 0) as churned_share,
    {{ wilson('cast(churned_count as double)', 'customer_count', '-') }} as ci_low,
    {{ wilson('cast(churned_count as double)', 'customer_count', '+') }} as ci_high
from bins
