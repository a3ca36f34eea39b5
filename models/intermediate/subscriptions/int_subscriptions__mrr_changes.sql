-- grain: one row per customer, product and day on which what the customer pays for the product changed
with

states as (
    select
        *,
        lag(customer_id) over so_far as previous_customer_id,
        lag(product_id) over so_far as previous_product_id,
        lag(mrr_amount) over so_far as previous_mrr
    from {{ ref('int_subscriptions__mrr_states') }}
    window so_far as (partition by subscription_id order by event_at, event_id)
),

-- A subscription may move to another product or customer; what it paid leaves the one and enters the other.
changes as (
    select
        customer_id,
        product_id,
        event_date,
        coalesce(mrr_amount, 0) as mrr_change
    from states

    union all

    select
        previous_customer_id as customer_id,
        previous_product_id as product_id,
        event_date,
        -coalesce(previous_mrr, 0) as mrr_change
    from states
)

select
    customer_id,
    product_id,
    event_date,
    sum(mrr_change) as mrr_change,
    -- Paid for less than a day is paid all the same.
    max(case when mrr_change > 0 then 1 else 0 end) = 1 as has_paid
from changes
where customer_id is not null and mrr_change <> 0
group by customer_id, product_id, event_date
