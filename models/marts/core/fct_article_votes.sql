{{ config(unique_key='event_id') }}
-- grain: one row per event_id of a vote on an article
{% call touched_when('dim_articles') -%}
    select event_id from {{ this }}
    where article_id in (select article_id from {{ changes('dim_articles') }})
{%- endcall %}
with

votes as (
    select * from {{ touched('int_web__events') }}
    where event_name = 'article_vote'
),

articles as (
    select * from {{ ref('dim_articles') }}
)

select
    votes.event_id,
    votes.session_key,
    votes.event_at,
    {{ reporting_date('votes.event_at') }} as event_date,
    votes.article_id,
    articles.topic,
    votes.device_type,
    votes.language,
    votes.vote,

    -- KPI flag: null keeps a row out of the KPI
    case votes.vote when 'helpful' then true when 'not_helpful' then false end as is_helpful
from votes
left join articles on votes.article_id = articles.article_id
