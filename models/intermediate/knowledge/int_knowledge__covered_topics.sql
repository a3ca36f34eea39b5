-- grain: one row per topic and uninterrupted time [covered_from, covered_until) with a published article
with

articles as (
    select * from {{ ref('stg_raw__knowledge_articles') }}
),

spans as (
    select
        topic,
        published_at as covered_from,
        coalesce(archived_at, cast('9999-12-31' as timestamp)) as covered_until
    from articles
    where topic is not null and published_at is not null
)

{{ merged_spans('spans', 'topic', 'covered_from', 'covered_until') }}
