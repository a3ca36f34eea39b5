-- grain: one row per link by which an article was used again in a solved ticket
with

links as (
    select
        ticket_id,
        article_id,
        linked_at,
        coalesce(link_type, 'used') as link_type
    from {{ ref('stg_raw__ticket_articles') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

articles as (
    select * from {{ ref('stg_raw__knowledge_articles') }}
),

created_pairs as (
    select distinct
        ticket_id,
        article_id
    from links
    where link_type = 'created'
)

-- The ticket that an article was written for is no use of it.
select
    links.ticket_id || '|' || links.article_id as use_id,
    links.ticket_id,
    links.article_id,
    links.link_type,
    {{ reporting_date('links.linked_at') }} as linked_date,
    articles.author_id,
    articles.topic
from links
inner join tickets on links.ticket_id = tickets.ticket_id
left join articles on links.article_id = articles.article_id
left join created_pairs
    on links.ticket_id = created_pairs.ticket_id and links.article_id = created_pairs.article_id
where
    links.link_type in ('used', 'attached')
    and tickets.is_solved
    and created_pairs.ticket_id is null
    and links.ticket_id is distinct from articles.source_ticket_id
