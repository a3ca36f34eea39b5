-- grain: one row per snapshot_date, frequency and mean_order_value of customers whose repeat orders are worth something
with

histories as (
    select * from {{ ref('clv_histories') }}
),

sampled_customers as (
    select * from {{ ref('clv_sampled_customers') }}
),

snapshots as (
    select * from {{ ref('clv_snapshots') }}
    where is_current
),

past_histories as (
    select * from {{ ref('clv_past_histories') }}
),

fitted_histories as (
    select
        snapshots.snapshot_date,
        histories.valued_frequency,
        histories.repeat_value_amount
    from histories
    inner join sampled_customers on histories.customer_id = sampled_customers.customer_id
    cross join snapshots

    union all

    select
        snapshot_date,
        valued_frequency,
        repeat_value_amount
    from past_histories
)

select
    snapshot_date,
    valued_frequency as frequency,
    cast(repeat_value_amount as double) / nullif(valued_frequency, 0) as mean_order_value,
    count(*) as customer_count
from fitted_histories
where valued_frequency > 0 and repeat_value_amount > 0
group by snapshot_date, valued_frequency, repeat_value_amount
