-- grain: one row per snapshot_at, is_subscribed and order history (frequency, recency_days, age_days)
with

customers as (
    select * from {{ ref('churn_customers') }}
    where is_sampled
)

select
    snapshot_at,
    is_subscribed,
    frequency,
    recency_days,
    age_days,
    count(*) as customer_count
from customers
group by snapshot_at, is_subscribed, frequency, recency_days, age_days
