-- grain: one row per past snapshot_at, is_subscribed and order history (frequency, recency_days, age_days)
with

cells as (
    select * from {{ ref('churn_cells') }}
),

snapshots as (
    select * from {{ ref('churn_snapshots') }}
    where not is_current
)

select
    cells.snapshot_at,
    cells.is_subscribed,
    cells.frequency,
    cells.recency_days,
    cells.age_days,
    cells.customer_count
from cells
inner join snapshots on cells.snapshot_at = snapshots.snapshot_at
