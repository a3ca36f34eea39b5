-- grain: one row per segment and distinct history (frequency, recency_days, age_days) as of now
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

aged_histories as (
    select
        histories.segment,
        histories.frequency,
        histories.recency_days,
        {{ days_from('histories.first_ordered_date', 'snapshots.snapshot_date') }} as age_days,
        sampled_customers.customer_id is not null as is_sampled
    from histories
    cross join snapshots
    left join sampled_customers on histories.customer_id = sampled_customers.customer_id
)

-- All that the models need of the customers: who ordered alike is one row, however many they are.
select
    segment,
    frequency,
    recency_days,
    age_days,
    count(*) as customer_count,
    count(case when is_sampled then 1 end) as fitted_customer_count
from aged_histories
group by segment, frequency, recency_days, age_days
