-- grain: one row per KPI, period, dimension and member of knowledge contribution and article reuse
{%- set contribution_dimensions = kpi_dictionary()['knowledge_contribution_rate'].by %}
{%- set reuse_dimensions = kpi_dictionary()['article_reuse'].by %}
with

contributions as (
    select * from {{ ref('int_knowledge__contributions') }}
),

solved_cases as (
    select * from {{ ref('fct_cases') }}
    where case_source = 'ticket' and is_solved
),

uses as (
    select * from {{ ref('int_knowledge__uses') }}
),

articles as (
    select
        article_id,
        author_id,
        topic,
        {{ reporting_date('published_at') }} as published_date,
        {{ reporting_date('archived_at') }} as archived_date
    from {{ ref('stg_raw__knowledge_articles') }}
    where published_at is not null
),

days as (
    {{ days_between(
        '(select first_event_date from ' ~ ref('stg_raw__as_of') ~ ')',
        '(select as_of_date from ' ~ ref('stg_raw__as_of') ~ ')'
    ) }}
),

contributed_articles as (
    {{ distinct_counts('contributions', 'contributed_date', 'article_id', contribution_dimensions) }}  -- noqa: PRS
),

solved_counts as (
    {{ distinct_counts('solved_cases', 'solved_date', 'case_id', contribution_dimensions) }}  -- noqa: PRS
),

use_counts as (
    {{ distinct_counts('uses', 'linked_date', 'use_id', reuse_dimensions) }}  -- noqa: PRS
),

period_ends as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('date_day', grain) }} as period_start,
        max(date_day) as last_day
    from days
    {{ 'group by 2' if grain != 'all' else 'having count(*) > 0' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

published_articles as (
    select
        period_ends.period_grain,
        period_ends.period_start,
        articles.article_id,
        articles.author_id,
        articles.topic
    from period_ends
    inner join articles
        on period_ends.last_day >= articles.published_date
        and period_ends.last_day < coalesce(articles.archived_date, cast('9999-12-31' as date))
),

published_counts as (
    select
        period_grain,
        period_start,
        {{ rolled_up_dimension(reuse_dimensions) }},
        count(*) as article_count
    from (
        select
            period_grain,
            period_start
            {%- for dimension in reuse_dimensions %},
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }}
            {%- endfor %}
        from published_articles
    )
    group by grouping sets (  -- noqa: PRS
        (period_grain, period_start)
        {%- for dimension in reuse_dimensions %}, (period_grain, period_start, dimension_{{ loop.index }})
        {%- endfor %}
    )
),

cells as (
    select
        'knowledge_contribution_rate' as kpi_id,
        100e0 as scale,
        solved_counts.period_grain,
        solved_counts.period_start,
        solved_counts.dimension_name,
        solved_counts.dimension_value,
        cast(coalesce(contributed_articles.distinct_count, 0) as double) as numerator,
        cast(solved_counts.distinct_count as double) as denominator
    from solved_counts
    left join contributed_articles
        on solved_counts.period_grain = contributed_articles.period_grain
        and solved_counts.period_start = contributed_articles.period_start
        and solved_counts.dimension_name = contributed_articles.dimension_name
        and solved_counts.dimension_value = contributed_articles.dimension_value

    union all

    select
        'article_reuse' as kpi_id,
        1e0 as scale,
        published_counts.period_grain,
        published_counts.period_start,
        published_counts.dimension_name,
        published_counts.dimension_value,
        cast(coalesce(use_counts.distinct_count, 0) as double) as numerator,
        cast(published_counts.article_count as double) as denominator
    from published_counts
    left join use_counts
        on published_counts.period_grain = use_counts.period_grain
        and published_counts.period_start = use_counts.period_start
        and published_counts.dimension_name = use_counts.dimension_name
        and published_counts.dimension_value = use_counts.dimension_value
    where
        published_counts.period_grain not in ('day', 'week')
        or published_counts.dimension_name not in {{ sql_text_list(of_many_members(reuse_dimensions)) }}
),

ratio_cells as (
    select
        *,
        'ratio' as kind,
        cast(denominator as bigint) as sample_size,
        cast(null as double) as standard_error
    from cells
)

{{ measured_cells('ratio_cells') }}
