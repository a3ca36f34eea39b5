-- grain: one row per contact_id of a phone contact of a known customer
with

calls as (
    select * from {{ ref('fct_contacts') }}
    where channel = 'phone' and customer_id is not null
),

calls_after_touches as (
    select distinct contact_id from {{ ref('int_journey__touch_calls') }}
)

select
    calls.contact_id,
    calls.customer_id,
    calls.topic,
    calls.segment,
    calls.started_at,
    calls.started_date,

    -- KPI flag
    calls_after_touches.contact_id is not null as is_after_digital
from calls
left join calls_after_touches on calls.contact_id = calls_after_touches.contact_id
