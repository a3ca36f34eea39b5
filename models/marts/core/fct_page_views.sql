{{ config(unique_key='event_id') }}
-- grain: one row per page view, named by the event_id of its first row
{% call touched_when('dim_articles') -%}
    select event_id from {{ this }}
    where article_id in (select article_id from {{ changes('dim_articles') }})
{%- endcall %}
with

page_views as (
    select * from {{ touched('int_web__page_views') }}
    where is_page_view
),

articles as (
    select * from {{ ref('dim_articles') }}
),

described_page_views as (
    select
        page_views.*,
        articles.topic,
        articles.language as article_language
    from page_views
    left join articles on page_views.article_id = articles.article_id
)

select
    event_id,
    session_key,
    event_at,
    {{ reporting_date('event_at') }} as event_date,
    {{ reporting_hour('event_at') }} as hour_of_day,
    site,
    page_path,
    page_type,
    article_id,
    topic,
    device_type,
    country,
    language,
    page_view_number,

    -- KPI flags: null keeps a row out of the KPI
    is_last_in_session as is_exit,
    {{ primary_language('language') }} = {{ primary_language('article_language') }}
        as is_in_visitors_language
from described_page_views
