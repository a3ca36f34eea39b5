-- grain: one row per snapshot_date, frequency and mean_order_value of customers whose repeat orders are worth something
with

histories as (
    select * from {{ ref('clv_histories') }}
    where is_sampled and repeat_value_amount > 0
)

select
    snapshot_date,
    valued_frequency as frequency,
    cast(repeat_value_amount as double) / nullif(valued_frequency, 0) as mean_order_value,
    count(*) as customer_count
from histories
where valued_frequency > 0
group by snapshot_date, valued_frequency, repeat_value_amount
