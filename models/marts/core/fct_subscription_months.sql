-- grain: one row per subscription_id and month_start in which it pays at the start or at the end
with

states as (
    select
        *,
        cast(date_trunc('month', event_date) as date) as month_start
    from {{ ref('int_subscriptions__mrr_states') }}
),

months as (
    select distinct month_start
    from {{ ref('dim_dates') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

ranked_states as (
    select
        *,
        row_number() over (
            partition by subscription_id, month_start order by event_at desc, event_id desc
        ) as state_rank
    from states
),

-- What a subscription pays at a month's end holds until a month in which something happens.
month_ends as (
    select
        subscription_id,
        customer_id,
        product_id,
        month_start,
        mrr_amount,
        lead(month_start) over (partition by subscription_id order by month_start) as next_month,
        lag(mrr_amount) over (partition by subscription_id order by month_start) as previous_mrr,
        row_number() over (partition by subscription_id order by month_start) as month_number
    from ranked_states
    where state_rank = 1
),

subscription_months as (
    select
        month_ends.subscription_id,
        month_ends.customer_id,
        month_ends.product_id,
        months.month_start,
        case
            when months.month_start > month_ends.month_start then month_ends.mrr_amount
            when month_ends.month_number = 1 then 0
            else month_ends.previous_mrr
        end as opening_mrr,
        month_ends.mrr_amount as closing_mrr
    from month_ends
    cross join run
    inner join months
        on month_ends.month_start <= months.month_start
            and months.month_start < coalesce(month_ends.next_month, run.as_of_date + 1)
            -- Nothing paid any more: no months to come.
            and (months.month_start = month_ends.month_start or month_ends.mrr_amount is distinct from 0)
)

select
    subscription_id,
    customer_id,
    product_id,
    month_start,
    opening_mrr,
    closing_mrr
from subscription_months
where opening_mrr is distinct from 0 or closing_mrr is distinct from 0
