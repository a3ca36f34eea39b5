{{ config(unique_key='session_key') }}
-- grain: one row per session, page and article on which time was spent
with

-- Read here and again below: what is read twice from one place is first held in memory, with all of its rows.
engaged_events as (
    select * from {{ touched('int_web__events') }}
    where engagement_ms is not null and event_name <> 'page_view'
),

events as (
    select * from {{ touched('int_web__events') }}
),

page_views as (
    select * from {{ touched('int_web__page_views') }}
    where is_page_view
),

sessions_without_record as (
    select session_key from {{ touched('int_web__sessions') }}
    where not is_engagement_recorded
),

followed_events as (
    select
        events.session_key,
        events.page_path,
        events.page_type,
        events.article_id,
        events.event_at,
        lead(events.event_at) over (
            partition by events.session_key order by events.event_at, events.event_id
        ) as next_event_at
    from events
    inner join sessions_without_record on events.session_key = sessions_without_record.session_key
),

spells as (
    -- A page view tells the time that went by on the page before it.
    select
        session_key,
        previous_page_path as page_path,
        previous_page_type as page_type,
        previous_article_id as article_id,
        engagement_before_ms / 1e3 as engaged_seconds
    from page_views
    where engagement_before_ms is not null

    union all

    select
        session_key,
        page_path,
        page_type,
        article_id,
        engagement_ms / 1e3 as engaged_seconds
    from engaged_events

    union all

    select
        session_key,
        page_path,
        page_type,
        article_id,
        {{ seconds_between('event_at', 'next_event_at') }} as engaged_seconds
    from followed_events
    where next_event_at is not null
)

select
    session_key,
    page_path,
    page_type,
    article_id,
    -- Decimals add up to the same sum in any order.
    cast(sum(cast(engaged_seconds as decimal(18, 6))) as double) as engaged_seconds
from spells
group by session_key, page_path, page_type, article_id
