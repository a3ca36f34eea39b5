{{ config(unique_key='session_key') }}
-- grain: one row per event_id of a site search
with

events as (
    select * from {{ touched('int_web__events') }}
    where event_name in ('site_search', 'search_click')
),

article_views as (
    select * from {{ touched('int_web__page_views') }}
    where is_page_view and page_type = 'support_article'
),

steps as (
    select
        session_key,
        event_at,
        event_id,
        event_name
    from events
    union all
    select
        session_key,
        event_at,
        event_id,
        'article_view' as event_name
    from article_views
),

-- A search succeeded when the next of these steps is no new search.
followed_steps as (
    select
        event_id,
        lead(event_name) over (
            partition by session_key order by event_at, event_id
        ) as next_step
    from steps
)

select
    events.event_id,
    events.session_key,
    events.event_at,
    {{ reporting_date('events.event_at') }} as event_date,
    events.search_term,
    events.search_result_count,
    events.device_type,
    events.language,

    -- KPI flags: null keeps a row out of the KPI
    coalesce(followed_steps.next_step <> 'site_search', false) as is_successful,
    events.search_result_count = 0 as is_without_result
from events
inner join followed_steps on events.event_id = followed_steps.event_id
where events.event_name = 'site_search'
