-- grain: one row per page_path whose type is known
with

typed_paths as (
    select
        page_path,
        page_type,
        count(*) as event_count
    from {{ ref('int_web__events') }}
    where page_path is not null and page_type <> 'unknown'
    group by page_path, page_type
),

ranked_types as (
    select
        page_path,
        page_type,
        row_number() over (
            partition by page_path order by event_count desc, page_type asc
        ) as type_rank
    from typed_paths
),

article_paths as (
    select distinct url_path as page_path
    from {{ ref('dim_articles') }}
    where url_path is not null
)

select
    page_path,
    'support_article' as page_type
from article_paths

union all

select
    ranked_types.page_path,
    ranked_types.page_type
from ranked_types
left join article_paths on ranked_types.page_path = article_paths.page_path
where ranked_types.type_rank = 1 and article_paths.page_path is null
