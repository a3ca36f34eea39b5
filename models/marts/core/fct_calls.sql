-- grain: one row per contact_id of an inbound call of a known customer
with

calls as (
    select * from {{ ref('fct_contacts') }}
    where {{ is_call('contact_source', 'channel') }} and customer_id is not null
),

touches as (
    select * from {{ ref('fct_digital_touches') }}
    where called_at is not null
),

-- The call belongs to the last digital touch before it.
touches_before as (
    select
        calls.contact_id,
        touches.touch_id,
        touches.started_at,
        touches.digital_channel,
        touches.last_page,
        touches.last_search_term,
        touches.device_type,
        row_number() over (
            partition by calls.contact_id order by touches.started_at desc, touches.touch_id desc
        ) as touch_rank
    from calls
    inner join touches
        on calls.customer_id = touches.customer_id
            and calls.started_at > touches.started_at
            and calls.started_at <= touches.ended_at + {{ digital_to_call_window() }}
)

select
    calls.contact_id,
    calls.customer_id,
    calls.topic,
    calls.segment,
    calls.started_at,
    calls.started_date,
    touches_before.touch_id,
    touches_before.started_at as touched_at,
    touches_before.digital_channel,
    touches_before.last_page,
    touches_before.last_search_term,
    touches_before.device_type,

    -- KPI flag
    touches_before.touch_id is not null as is_after_digital
from calls
left join touches_before
    on calls.contact_id = touches_before.contact_id and touches_before.touch_rank = 1
