{{ config(unique_key='session_key') }}
-- grain: one row per session, cta_id, cta_position and page_path on which it was shown
with

cta_events as (
    select
        event_id,
        session_key,
        event_at,
        event_name,
        cta_id,
        cta_position,
        page_path,
        page_type,
        device_type,
        row_number() over (
            partition by session_key, cta_id, cta_position, page_path order by event_at, event_id
        ) as event_number
    from {{ touched('int_web__events') }}
    where event_name in ('cta_impression', 'cta_click')
)

select
    session_key,
    cta_id,
    cta_position,
    page_path,
    min(event_at) as event_at,
    {{ reporting_date('min(event_at)') }} as event_date,
    max(case when event_number = 1 then page_type end) as page_type,
    max(case when event_number = 1 then device_type end) as device_type,

    -- KPI flag
    bool_or(event_name = 'cta_click') as is_clicked
from cta_events
group by session_key, cta_id, cta_position, page_path
