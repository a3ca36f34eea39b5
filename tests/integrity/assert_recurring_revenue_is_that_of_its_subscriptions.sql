-- The same number by two ways: what customers pay at the end of a month, and what their subscriptions do.
with

subscriptions as (
    select
        month_start,
        sum(opening_mrr) as opening_mrr,
        sum(closing_mrr) as closing_mrr
    from {{ ref('fct_subscription_months') }}
    where customer_id is not null
    group by month_start
),

customers as (
    select * from {{ ref('int_subscriptions__mrr_movements') }}
    where period_grain = 'month' and dimension_name = 'overall'
)

select
    customers.period_start,
    customers.closing_mrr,
    subscriptions.closing_mrr as subscriptions_closing_mrr
from customers
left join subscriptions on customers.period_start = subscriptions.month_start
where customers.closing_mrr <> coalesce(subscriptions.closing_mrr, 0)
