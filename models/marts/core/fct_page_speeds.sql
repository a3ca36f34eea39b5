{{ config(unique_key='event_id') }}
-- grain: one row per page view with a measured speed, named by the event_id of its first row
with

measured_page_views as (
    select * from {{ touched('int_web__page_views') }}
    where coalesce(page_load_ms, lcp_ms, inp_ms, cls) is not null
)

select
    event_id,
    session_key,
    event_at,
    {{ reporting_date('event_at') }} as event_date,
    site,
    page_path,
    page_type,
    device_type,
    country,

    -- KPI flags and measures: null keeps a row out of the KPI
    page_load_ms,
    lcp_ms,
    inp_ms,
    cls,
    {{ has_good_vitals('lcp_ms', 'inp_ms', 'cls') }} as has_good_vitals
from measured_page_views
