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
),

flagged_spans as (
    select
        *,
        case
            when covered_from <= max(covered_until)
                    over (
                        partition by topic order by covered_from, covered_until
                        rows between unbounded preceding and 1 preceding
                    )
                then 0
            else 1
        end as starts_island
    from spans
    where covered_from < covered_until
),

numbered_spans as (
    select
        *,
        sum(starts_island) over (
            partition by topic order by covered_from, covered_until
            rows between unbounded preceding and current row
        ) as island
    from flagged_spans
)

select
    topic,
    min(covered_from) as covered_from,
    max(covered_until) as covered_until
from numbered_spans
group by topic, island
