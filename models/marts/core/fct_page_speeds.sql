-- grain: one row per page view with a measured speed, named by the event_id of its first row
with

measured_page_views as (
    select * from {{ ref('int_web__page_views') }}
    where coalesce(page_load_ms, lcp_ms, inp_ms, cls) is not null
),

sessions as (
    select * from {{ ref('int_web__sessions') }}
)

select
    measured_page_views.event_id,
    measured_page_views.session_key,
    measured_page_views.event_at,
    {{ reporting_date('measured_page_views.event_at') }} as event_date,
    measured_page_views.site,
    measured_page_views.page_path,
    measured_page_views.page_type,
    measured_page_views.device_type,
    coalesce(measured_page_views.country, sessions.customer_country) as country,

    -- KPI flags and measures: null keeps a row out of the KPI
    measured_page_views.page_load_ms,
    measured_page_views.lcp_ms,
    measured_page_views.inp_ms,
    measured_page_views.cls,
    {{ has_good_vitals('measured_page_views.lcp_ms', 'measured_page_views.inp_ms', 'measured_page_views.cls') }}
        as has_good_vitals
from measured_page_views
inner join sessions on measured_page_views.session_key = sessions.session_key
