-- grain: one row per creation or edit of an article by an agent who is no bot
with

article_events as (
    select * from {{ ref('stg_raw__article_events') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

articles as (
    select * from {{ ref('stg_raw__knowledge_articles') }}
)

select
    article_events.event_id,
    article_events.article_id,
    {{ reporting_date('article_events.event_at') }} as contributed_date,
    article_events.actor_id as agent_id,
    agents.team,
    articles.topic
from article_events
left join agents on article_events.actor_id = agents.agent_id
left join articles on article_events.article_id = articles.article_id
where
    article_events.event_type in ('create', 'edit')
    and article_events.actor_id is not null
    and agents.is_bot is not true
