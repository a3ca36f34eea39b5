-- grain: one row per past snapshot_date, segment and distinct history before and after it
with

histories as (
    select * from {{ ref('clv_past_histories') }}
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
)

select
    histories.snapshot_date,
    snapshots.horizon_days,
    snapshots.quarter_end_date,
    histories.segment,
    histories.frequency,
    histories.recency_days,
    histories.age_days,
    histories.valued_frequency,
    histories.holdout_order_count,
    count(*) as customer_count,
    cast(sum(histories.holdout_quarter_order_count) as bigint) as holdout_quarter_order_count,
    cast(coalesce(sum(histories.repeat_value_amount), 0) as decimal(28, 8)) as repeat_value_amount,
    cast(coalesce(sum(histories.holdout_value_amount), 0) as decimal(28, 8)) as holdout_value_amount
from histories
inner join snapshots on histories.snapshot_date = snapshots.snapshot_date
group by
    histories.snapshot_date,
    snapshots.horizon_days,
    snapshots.quarter_end_date,
    histories.segment,
    histories.frequency,
    histories.recency_days,
    histories.age_days,
    histories.valued_frequency,
    histories.holdout_order_count
