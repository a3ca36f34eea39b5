-- grain: one row per subscription event: what the subscription pays a month from then on
with

subscription_events as (
    select
        *,
        {{ reporting_date('event_at') }} as event_date
    from {{ ref('stg_raw__subscription_events') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

currencies as (
    select * from {{ ref('int_money__reporting_currency') }}
),

converted_events as (
    select
        subscription_events.event_id,
        subscription_events.subscription_id,
        subscription_events.customer_id,
        subscription_events.product_id,
        subscription_events.event_at,
        subscription_events.event_date,
        subscription_events.event_type,
        -- A cancelled subscription is worth nothing.
        case when subscription_events.event_type = 'cancel' then 0 else
            {{ in_reporting_currency('subscription_events.mrr_amount', 'subscription_events.currency',
                                     'rates.rate', 'currencies.reporting_currency') }}
        end as price
    from subscription_events
    cross join currencies
    {{ join_rate('rates', 'subscription_events.currency', 'subscription_events.event_date') }}
),

-- A paused one keeps its price for when it resumes; an amount that cannot be converted is none.
priced_events as (
    select
        *,
        event_type <> 'pause' and price is not null as is_priced
    from converted_events
),

-- Numbers the stretches of events that share a price, and those that share a product.
numbered_events as (
    select
        *,
        count(case when is_priced then 1 end) over so_far as price_number,
        count(product_id) over so_far as product_number,
        count(case when is_priced or event_type in ('pause', 'resume') then 1 end) over so_far as state_number
    from priced_events
    window so_far as (
        partition by subscription_id order by event_at, event_id
        rows between unbounded preceding and current row
    )
),

filled_events as (
    select
        *,
        max(product_id) over (partition by subscription_id, product_number) as known_product_id,
        max(case when is_priced then price end) over (
            partition by subscription_id, price_number
        ) as last_price
    from numbered_events
),

-- What an event says: nothing is paid while paused, the event's own price, or that of before the pause.
stated_events as (
    select
        *,
        case
            when event_type = 'pause' then 0
            when is_priced then price
            when event_type = 'resume' then last_price
        end as stated_mrr
    from filled_events
)

select
    event_id,
    subscription_id,
    customer_id,
    known_product_id as product_id,
    event_at,
    event_date,
    -- An event that says nothing keeps what was; each stretch begins with the one event that said it.
    max(stated_mrr) over (partition by subscription_id, state_number) as mrr_amount
from stated_events
