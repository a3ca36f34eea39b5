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

-- Imported three times: what is read twice is first held in memory, and few events have an article or a term.
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

page_views as (
    select * from {{ touched('int_web__page_views') }}
    where is_page_view
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

landings as (
    select
        page_views.session_key,
        page_views.site,
        page_views.page_path,
        page_views.page_type,
        page_views.article_id,
        page_views.search_term,
        page_views.device_type,
        page_views.country,
        page_views.language,
        events.utm_medium as medium,
        events.utm_campaign as campaign,
        coalesce(
            events.utm_source, case when referrer_hosts.is_external then referrer_hosts.host end, 'direct'
        ) as source,
        case
            when events.utm_medium is not null then lower(trim(events.utm_medium)) = 'organic'
            else events.click_id is null and coalesce(referrer_hosts.is_search_engine, false)
        end as is_organic
    from page_views
    inner join events on page_views.event_id = events.event_id
    left join referrer_hosts on events.referrer = referrer_hosts.referrer
    where page_views.page_view_number = 1
),

page_view_counts as (
    select
        session_key,
        count(*) as page_view_count,
        max(case when is_last_in_session then page_path end) as exit_page
    from page_views
    group by session_key
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

article_time as (
    select
        session_key,
        sum(cast(engaged_seconds as decimal(18, 6))) as engaged_seconds
    from page_time
    group by session_key, coalesce(page_path, article_id)
    having bool_or(page_type = 'support_article')
),

longest_articles as (
    select
        session_key,
        cast(max(engaged_seconds) as double) as longest_article_seconds
    from article_time
    group by session_key
),

engaged_time as (
    select
        session_key,
        cast(sum(cast(engaged_seconds as decimal(18, 6))) as double) as engaged_seconds
    from page_time
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
    page_view_counts.exit_page,
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
    coalesce(page_view_counts.page_view_count, 0) as page_view_count,
    engaged_time.engaged_seconds,
    coalesce(page_view_counts.page_view_count >= 2, false)
    or coalesce(engaged_time.engaged_seconds >= {{ var('engaged_session_seconds') }}, false)
    or sessions.has_lead
    or sessions.has_purchase as is_engaged,
    longest_articles.longest_article_seconds,
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
    page_view_counts.page_view_count = 1 as is_bounce,
    page_view_counts.page_view_count as pages_seen
from sessions
left join landings on sessions.session_key = landings.session_key
left join page_view_counts on sessions.session_key = page_view_counts.session_key
left join articles_seen
    on sessions.session_key = articles_seen.session_key and articles_seen.article_rank = 1
left join articles on articles_seen.article_id = articles.article_id
left join terms_searched
    on sessions.session_key = terms_searched.session_key and terms_searched.term_rank = 1
left join longest_articles on sessions.session_key = longest_articles.session_key
left join engaged_time on sessions.session_key = engaged_time.session_key
