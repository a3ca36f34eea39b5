{{ config(unique_key='event_id') }}
-- grain: one row per event_id of a click, with the session it started and the person who clicked
{% call touched_when('int_web__sessions') -%}
    select event_id from {{ ref('int_ads__events') }}
    where
        visitor_id in (select visitor_id from {{ changes('int_web__sessions') }})
        or click_id in (
            select click_id from {{ ref('int_web__session_click_ids') }}
            where session_key in (select session_key from {{ changes('int_web__sessions') }})
        )
{%- endcall %}
{% call touched_when('int_web__session_click_ids') -%}
    select event_id from {{ ref('int_ads__events') }}
    where click_id in (select click_id from {{ changes('int_web__session_click_ids') }})
{%- endcall %}
with

clicks as (
    select * from {{ touched('int_ads__events') }}
    where is_click
),

sessions as (
    select * from {{ ref('int_web__sessions') }}
),

session_click_ids as (
    select * from {{ ref('int_web__session_click_ids') }}
),

-- An address that is opened again still carries the click id; the click started the first session.
sessions_by_click_id as (
    select
        session_click_ids.click_id,
        session_click_ids.session_key,
        row_number() over (
            partition by session_click_ids.click_id
            order by sessions.started_at, sessions.session_key
        ) as session_rank
    from session_click_ids
    inner join sessions on session_click_ids.session_key = sessions.session_key
),

next_sessions as (
    select
        clicks.event_id,
        sessions.session_key,
        row_number() over (
            partition by clicks.event_id order by sessions.started_at, sessions.session_key
        ) as session_rank
    from clicks
    inner join sessions
        on clicks.visitor_id = sessions.visitor_id
            and clicks.event_at <= sessions.started_at
            and sessions.started_at
            <= clicks.event_at + {{ click_to_session_minutes() }} * interval '1' minute
    where clicks.click_id is null
),

clicks_with_session as (
    select
        clicks.*,
        coalesce(sessions_by_click_id.session_key, next_sessions.session_key) as session_key
    from clicks
    left join sessions_by_click_id
        on clicks.click_id = sessions_by_click_id.click_id and sessions_by_click_id.session_rank = 1
    left join next_sessions
        on clicks.event_id = next_sessions.event_id and next_sessions.session_rank = 1
),

-- What a click does not say of the person is what its session says.
known_clicks as (
    select
        clicks_with_session.*,
        case when clicks_with_session.is_refused is not true then sessions.customer_id end as session_customer_id,
        case when clicks_with_session.is_refused is not true then sessions.visitor_id end as session_visitor_id
    from clicks_with_session
    left join sessions on clicks_with_session.session_key = sessions.session_key
)

select
    event_id,
    campaign_id,
    event_at,
    placement,
    creative_id,
    cost_amount,
    currency,
    session_key,
    coalesce(customer_id, session_customer_id) as customer_id,
    coalesce(customer_id, session_customer_id, md5(visitor_id), md5(session_visitor_id))
        as person_id
from known_clicks
