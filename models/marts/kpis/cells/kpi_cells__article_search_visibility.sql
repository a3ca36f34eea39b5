-- grain: one row per period, dimension and member of article_search_visibility
{%- set dimensions = kpi_dictionary()['article_search_visibility'].by %}
with

articles as (
    select
        article_id,
        url_path,
        topic,
        language,
        {{ reporting_date('published_at') }} as published_date,
        {{ reporting_date('archived_at') }} as archived_date
    from {{ ref('dim_articles') }}
    where published_at is not null and (archived_at is null or archived_at > published_at)
),

-- Totals without pages show no article, nor do reports of other pages; without an address no article can be told.
reports as (
    select * from {{ ref('fct_search_performance') }}
    where
        support_impressions is not null and page_path is not null
        and (select count(url_path) from articles) > 0
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

changes as (
    select
        published_date as moved_date,
        1 as delta,
        topic,
        language
    from articles

    union all

    select
        archived_date as moved_date,
        -1 as delta,
        topic,
        language
    from articles
    where archived_date is not null
),

{{ daily_stock_ctes('changes', dimensions) }},  -- noqa: PRS

-- A period without any report says nothing about visibility.
reported_periods as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('reports.report_date', grain) }} as period_start,
        {%- if grain == 'all' %}
        max(run.as_of_date) as last_day
        {%- else %}
        max(least(
            {{ next_period_start(period_start('reports.report_date', grain), grain) }} - 1, run.as_of_date
        )) as last_day
        {%- endif %}
    from reports
    cross join run
    group by {{ period_start('reports.report_date', grain) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

seen_articles as (
    {%- for grain in period_grains() %}
    select distinct
        '{{ grain }}' as period_grain,
        {{ period_start('reports.report_date', grain) }} as period_start,
        articles.article_id,
        articles.topic,
        articles.language,
        articles.published_date,
        articles.archived_date
    from reports
    inner join articles on reports.page_path = articles.url_path
    where reports.impressions > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

visible_articles as (
    select
        period_grain,
        period_start,
        {{ rolled_up_dimension(dimensions) }},
        count(*) as visible_count
    from (
        select
            seen_articles.period_grain,
            seen_articles.period_start
            {%- for dimension in dimensions %},
            {{ dimension_member('seen_articles.' ~ dimension) }} as dimension_{{ loop.index }}
            {%- endfor %}
        from seen_articles
        inner join reported_periods
            on seen_articles.period_grain = reported_periods.period_grain
            and seen_articles.period_start = reported_periods.period_start
        where
            seen_articles.published_date <= reported_periods.last_day
            and coalesce(seen_articles.archived_date > reported_periods.last_day, true)
    )
    group by grouping sets (  -- noqa: PRS
        (period_grain, period_start)
        {%- for dimension in dimensions %}, (period_grain, period_start, dimension_{{ loop.index }}){% endfor %}
    )
),

cells as (
    select
        'article_search_visibility' as kpi_id,
        'share' as kind,
        1e0 as scale,
        reported_periods.period_grain,
        reported_periods.period_start,
        daily_stocks.dimension_name,
        daily_stocks.dimension_value,
        cast(coalesce(visible_articles.visible_count, 0) as double) as numerator,
        cast(daily_stocks.stock as double) as denominator,
        daily_stocks.stock as sample_size,
        cast(null as double) as standard_error
    from reported_periods
    inner join daily_stocks on reported_periods.last_day = daily_stocks.date_day
    left join visible_articles
        on reported_periods.period_grain = visible_articles.period_grain
        and reported_periods.period_start = visible_articles.period_start
        and daily_stocks.dimension_name = visible_articles.dimension_name
        and daily_stocks.dimension_value = visible_articles.dimension_value
    where daily_stocks.stock > 0
)

{{ measured_cells('cells') }}
