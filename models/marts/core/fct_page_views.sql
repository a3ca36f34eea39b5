-- grain: one row per page view, named by the event_id of its first row
with

page_views as (
    select * from {{ ref('int_web__page_views') }}
    where is_page_view
),

sessions as (
    select * from {{ ref('int_web__sessions') }}
),

articles as (
    select * from {{ ref('dim_articles') }}
),

described_page_views as (
    select
        page_views.*,
        sessions.customer_id,
        coalesce(page_views.country, sessions.customer_country) as known_country,
        coalesce(page_views.language, sessions.customer_language) as known_language,
        articles.topic,
        articles.language as article_language
    from page_views
    inner join sessions on page_views.session_key = sessions.session_key
    left join articles on page_views.article_id = articles.article_id
)

select
    event_id,
    session_key,
    customer_id,
    event_at,
    {{ reporting_date('event_at') }} as event_date,
    {{ reporting_hour('event_at') }} as hour_of_day,
    site,
    page_path,
    page_type,
    article_id,
    topic,
    device_type,
    known_country as country,
    known_language as language,
    page_view_number,

    -- KPI flags: null keeps a row out of the KPI
    is_last_in_session as is_exit,
    {{ primary_language('known_language') }} = {{ primary_language('article_language') }}
        as is_in_visitors_language
from described_page_views
