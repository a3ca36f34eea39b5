-- grain: one row per call and digital touch that the call follows
with

touches as (
    select * from {{ ref('fct_digital_touches') }}
    where called_at is not null
),

calls as (
    select * from {{ ref('fct_contacts') }}
    where channel = 'phone'
)

select
    calls.contact_id,
    touches.touch_id,
    calls.customer_id,
    calls.started_date as called_date,
    touches.digital_channel,
    touches.last_page,
    touches.last_search_term,
    touches.topic,
    touches.segment,
    touches.device_type
from touches
inner join calls
    on touches.customer_id = calls.customer_id
    and touches.started_at < calls.started_at
    and touches.ended_at + {{ digital_to_call_window() }} >= calls.started_at
