-- grain: one row per event_date, hour_of_day, device_type, country and page_type with page views
with

page_views as (
    select
        event_at,
        event_date,
        hour_of_day,
        device_type,
        country,
        page_type,
        cast(date_trunc('hour', {{ reporting_time('event_at') }}) as timestamp) as local_hour
    from {{ ref('fct_page_views') }}
),

chat_segments as (
    select * from {{ ref('int_availability__segments') }}
    where channel = 'chat' and has_schedule
),

recorded as (
    select count(*) > 0 as has_schedule from chat_segments
),

-- Segments do not overlap and each lies in one hour, so a page view meets at most one of the few of its hour.
judged_page_views as (
    select
        page_views.event_date,
        page_views.hour_of_day,
        page_views.device_type,
        page_views.country,
        page_views.page_type,
        coalesce(chat_segments.is_open, false) as is_in_chat_hours,
        coalesce(chat_segments.is_open and chat_segments.is_available, false) as is_with_chat_agent
    from page_views
    left join chat_segments
        on page_views.local_hour = chat_segments.local_hour
            and page_views.event_at >= chat_segments.segment_from
            and page_views.event_at < chat_segments.segment_until
)

select
    judged_page_views.event_date,
    judged_page_views.hour_of_day,
    judged_page_views.device_type,
    judged_page_views.country,
    judged_page_views.page_type,
    count(*) as page_view_count,
    count(case when judged_page_views.is_in_chat_hours then 1 end) as chat_hours_page_view_count,
    count(case when judged_page_views.is_with_chat_agent then 1 end) as chat_agent_page_view_count
from judged_page_views
cross join recorded
where recorded.has_schedule
group by
    judged_page_views.event_date,
    judged_page_views.hour_of_day,
    judged_page_views.device_type,
    judged_page_views.country,
    judged_page_views.page_type
