-- grain: one row per article_id
select
    article_id,
    title,
    url_path,
    topic,
    product_id,
    language,
    author_id,
    source_ticket_id,
    created_at,
    published_at,
    archived_at
from {{ ref('stg_raw__knowledge_articles') }}
