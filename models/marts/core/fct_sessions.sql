{{ config(unique_key='session_key') }}
-- grain: one row per session_key
{% call touched_when('int_web__referrer_hosts') -%}
    select session_key from {{ ref('int_web__events') }}
    where referrer in (select referrer from {{ changes('int_web__referrer_hosts') }})
{%- endcall %}
{% call touched_when('dim_articles') -%}
    select session_key from {{ this }}
    where last_article_id in (select article_id from {{ changes('dim_articles') }})
{%- endcall %}
with

sessions as (
    select * from {{ touched('int_web__sessions') }}
),

-- Imported several times: what is read twice is first held in memory, and few of these rows are needed.
events as (
    select * from {{ touched('int_web__events') }}
),

article_events as (
    select * from {{ touched('int_web__events') }}
    where article_id is not null
),

search_events as (
    select * from {{ touched('int_web__events') }}
    where search_term is not null
),

first_page_views as (
    select * from {{ touched('int_web__page_views') }}
    where page_view_number = 1
),

last_page_views as (
    select * from {{ touched('int_web__page_views') }}
    where is_last_in_session
),

referrer_hosts as (
    select * from {{ ref('int_web__referrer_hosts') }}
),

articles as (
    select * from {{ ref('dim_articles') }}
),

page_time as (
    select * from {{ touched('int_web__page_time') }}
),

-- Of a page that is one article: what happens on it need not say so.
article_pages as (
    select
        session_key,
        page_path,
        min(article_id) as article_id
    from {{ touched('int_web__page_views') }}
    where is_page_view and article_id is not null and page_path is not null
    group by session_key, page_path
    having min(article_id) = max(article_id)
),

landings as (
    select
        first_page_views.session_key,
        first_page_views.site,
        first_page_views.page_path,
        first_page_views.page_type,
        first_page_views.article_id,
        first_page_views.search_term,
        first_page_views.device_type,
        first_page_views.country,
        first_page_views.language,
        events.utm_medium as medium,
        events.utm_campaign as campaign,
        coalesce(
            events.utm_source, case when referrer_hosts.is_external then referrer_hosts.host end, 'direct'
        ) as source,
        case
            when events.utm_medium is not null then lower(trim(events.utm_medium)) = 'organic'
            else events.click_id is null and coalesce(referrer_hosts.is_search_engine, false)
        end as is_organic
    from first_page_views
    inner join events on first_page_views.event_id = events.event_id
    left join referrer_hosts on events.referrer = referrer_hosts.referrer
),

articles_seen as (
    select
        session_key,
        article_id,
        row_number() over (
            partition by session_key order by event_at desc, event_id desc
        ) as article_rank
    from article_events
),

terms_searched as (
    select
        session_key,
        search_term,
        row_number() over (
            partition by session_key order by event_at desc, event_id desc
        ) as term_rank
    from search_events
),

times as (
    select
        page_time.session_key,
        page_time.page_path,
        page_time.page_type,
        coalesce(page_time.article_id, article_pages.article_id) as article_id,
        page_time.engaged_seconds
    from page_time
    left join article_pages
        on page_time.session_key = article_pages.session_key and page_time.page_path = article_pages.page_path
),

-- An article may be read at several addresses, and several at one; of a page without either, only its type is known.
time_by_page as (
    select
        session_key,
        bool_or(article_id is not null or page_type = 'support_article') as is_article,
        sum(cast(engaged_seconds as decimal(18, 6))) as engaged_seconds
    from times
    group by
        session_key,
        article_id,
        case when article_id is null then page_path end,
        case when article_id is null and page_path is null then page_type end
),

engaged_time as (
    select
        session_key,
        cast(sum(engaged_seconds) as double) as engaged_seconds,
        cast(max(case when is_article then engaged_seconds end) as double) as longest_article_seconds
    from time_by_page
    group by session_key
)

select
    sessions.session_key,
    sessions.person_id,
    sessions.customer_id,
    sessions.started_at,
    {{ reporting_date('sessions.started_at') }} as started_date,
    sessions.last_event_at,
    'web' as channel,
    landings.site,
    landings.page_path as landing_page,
    last_page_views.page_path as exit_page,
    landings.page_type,
    landings.device_type,
    coalesce(landings.country, sessions.customer_country) as country,
    coalesce(landings.language, sessions.customer_language) as language,
    landings.source,
    landings.medium,
    landings.campaign,
    landings.article_id,
    landings.search_term,
    articles_seen.article_id as last_article_id,
    articles.topic,
    terms_searched.search_term as last_search_term,
    coalesce(last_page_views.page_view_number, 0) as page_view_count,
    engaged_time.engaged_seconds,
    coalesce(last_page_views.page_view_number >= 2, false)
    or coalesce(engaged_time.engaged_seconds >= {{ var('engaged_session_seconds') }}, false)
    or sessions.has_lead
    or sessions.has_purchase as is_engaged,
    engaged_time.longest_article_seconds,
    sessions.is_support_session,
    sessions.has_contact_click,
    sessions.has_chat_request,
    sessions.has_cta_click,
    sessions.has_helpful_vote,
    sessions.has_lead,
    sessions.has_purchase,

    -- KPI flags and measures: null keeps a row out of the KPI
    true as is_session,
    sessions.customer_id is not null as is_identified,
    sessions.is_support_session and coalesce(landings.is_organic, false) as is_organic_support_session,
    last_page_views.page_view_number = 1 as is_bounce,
    last_page_views.page_view_number as pages_seen
from sessions
left join landings on sessions.session_key = landings.session_key
left join last_page_views on sessions.session_key = last_page_views.session_key
left join articles_seen
    on sessions.session_key = articles_seen.session_key and articles_seen.article_rank = 1
left join articles on articles_seen.article_id = articles.article_id
left join terms_searched
    on sessions.session_key = terms_searched.session_key and terms_searched.term_rank = 1
left join engaged_time on sessions.session_key = engaged_time.session_key
