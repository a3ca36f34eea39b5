-- grain: one row per event_id
with

loyalty_events as (
    select * from {{ ref('stg_raw__loyalty_events') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
)

select
    loyalty_events.event_id,
    loyalty_events.customer_id,
    customers.segment,
    loyalty_events.program_id,
    loyalty_events.event_at,
    {{ reporting_date('loyalty_events.event_at') }} as event_date,
    loyalty_events.event_type,
    loyalty_events.points,
    loyalty_events.points_type,
    loyalty_events.reward_id,
    loyalty_events.reward_type,
    loyalty_events.order_id,
    loyalty_events.expires_at,
    case
        when loyalty_events.customer_id is not null
            then cast(sum(cast(
                case loyalty_events.event_type
                    when 'earn' then loyalty_events.points
                    when 'adjust' then loyalty_events.points
                    when 'redeem' then -loyalty_events.points
                    when 'expire' then -loyalty_events.points
                    else 0
                end as decimal(28, 8)
            )) over (
                partition by loyalty_events.customer_id, loyalty_events.program_id
                order by loyalty_events.event_at, loyalty_events.event_id
                rows between unbounded preceding and current row
            ) as double)
    end as balance_points,

    -- KPI measures: null keeps a row out of the KPI
    case when loyalty_events.event_type = 'earn' then loyalty_events.points end as earned_points,
    case when loyalty_events.event_type = 'redeem' then loyalty_events.points end as redeemed_points,
    case when loyalty_events.event_type = 'expire' then loyalty_events.points end as expired_points
from loyalty_events
left join customers on loyalty_events.customer_id = customers.customer_id
