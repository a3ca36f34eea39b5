-- grain: one row per past snapshot_date and customer_id of the sample with an order by then
with

order_values as (
    select * from {{ ref('clv_order_values') }}
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
    where not is_current
),

customers as (
    select * from {{ ref('dim_customers') }}
),

-- What a booking is to a snapshot: the first order day is in no mean, and the holdout is what came after.
placed_values as (
    select
        snapshots.snapshot_date,
        order_values.*,
        order_values.ordered_date <= snapshots.snapshot_date as is_past,
        order_values.ordered_date > order_values.first_ordered_date
        and order_values.ordered_date <= snapshots.snapshot_date as is_repeat,
        order_values.booked_date <= snapshots.snapshot_date as is_known,
        order_values.ordered_date > snapshots.snapshot_date
        and order_values.ordered_date <= snapshots.horizon_end_date as is_holdout,
        order_values.ordered_date > snapshots.snapshot_date
        and order_values.ordered_date <= snapshots.quarter_end_date as is_holdout_quarter
    from order_values
    inner join snapshots on order_values.first_ordered_date <= snapshots.snapshot_date
),

-- Everything in here is known at the snapshot, but for what the names call holdout, and for the links of identities,
-- which are today's.
histories as (
    select
        snapshot_date,
        customer_id,
        max(case when is_past then ordered_date end) as last_ordered_date,
        min(first_ordered_date) as first_ordered_date,
        count(case when is_repeat and is_order_day then 1 end) as frequency,
        count(case when is_repeat and is_order_day and value_amount is not null then 1 end)
            as valued_frequency,
        sum(case when is_repeat and is_known then value_amount end) as repeat_value_amount,
        count(case when is_holdout and is_order_day then 1 end) as holdout_order_count,
        count(case when is_holdout_quarter and is_order_day then 1 end) as holdout_quarter_order_count,
        sum(case when is_holdout then value_amount end) as holdout_value_amount
    from placed_values
    group by snapshot_date, customer_id
)

select
    histories.snapshot_date,
    histories.customer_id,
    coalesce(customers.segment, '(none)') as segment,
    histories.frequency,
    {{ days_from('histories.first_ordered_date', 'histories.last_ordered_date') }} as recency_days,
    {{ days_from('histories.first_ordered_date', 'histories.snapshot_date') }} as age_days,
    histories.valued_frequency,
    -- Refunds can make more than all of it go away; a customer's repeat orders are then worth nothing.
    cast(greatest(histories.repeat_value_amount, 0) as decimal(28, 8)) as repeat_value_amount,
    histories.holdout_order_count,
    histories.holdout_quarter_order_count,
    cast(histories.holdout_value_amount as decimal(28, 8)) as holdout_value_amount
from histories
left join customers on histories.customer_id = customers.customer_id
