{{ config(unique_key='person_id') }}
-- grain: one row per order_id placed in or soon after a support session of the same person
{% call touched_when('int_web__events') -%}
    select person_id from {{ this }}
    where session_key in (select session_key from {{ changes('int_web__events') }})
{%- endcall %}
with

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and person_id is not null
),

sessions as (
    select * from {{ touched('fct_support_sessions') }}
),

events as (
    select * from {{ ref('int_web__events') }}
    where article_id is not null or (event_name = 'cta_click' and cta_id is not null)
),

orders_after_sessions as (
    select
        orders.order_id,
        orders.person_id,
        orders.customer_id,
        orders.ordered_at,
        orders.ordered_date,
        orders.new_or_repeat,
        orders.revenue_amount,
        sessions.session_key,
        row_number() over (
            partition by orders.order_id
            order by sessions.started_at desc, sessions.session_key desc
        ) as session_rank
    from orders
    inner join sessions
        on orders.person_id = sessions.person_id
            and orders.ordered_at > sessions.started_at
            and orders.ordered_at
            <= sessions.last_event_at + {{ support_assist_hours() }} * interval '1' hour
),

credited_orders as (
    select * from orders_after_sessions
    where session_rank = 1
),

steps_before as (
    select
        credited_orders.order_id,
        events.article_id,
        case when events.event_name = 'cta_click' then events.cta_id end as cta_id,
        row_number() over (
            partition by credited_orders.order_id, events.article_id is not null
            order by events.event_at desc, events.event_id desc
        ) as article_rank,
        row_number() over (
            partition by credited_orders.order_id, events.event_name = 'cta_click' and events.cta_id is not null
            order by events.event_at desc, events.event_id desc
        ) as cta_rank
    from credited_orders
    inner join events
        on credited_orders.session_key = events.session_key
            and credited_orders.ordered_at > events.event_at
),

last_steps as (
    select
        order_id,
        max(case when article_rank = 1 then article_id end) as article_id,
        max(case when cta_rank = 1 then cta_id end) as cta_id
    from steps_before
    group by order_id
)

select
    credited_orders.order_id,
    credited_orders.person_id,
    credited_orders.customer_id,
    credited_orders.ordered_at,
    credited_orders.ordered_date,
    credited_orders.session_key,
    last_steps.article_id,
    last_steps.cta_id,
    credited_orders.new_or_repeat,

    -- KPI measure
    credited_orders.revenue_amount
from credited_orders
left join last_steps on credited_orders.order_id = last_steps.order_id
