-- grain: one row per period, dimension and member of mobile_score
{%- set dimensions = kpi_dictionary()['mobile_score'].by %}
with

audits as (
    select
        page_path,
        audited_at,
        {{ reporting_date('audited_at') }} as audited_date,
        performance_score
    from {{ ref('stg_raw__page_audits') }}
    where form_factor = 'mobile' and performance_score is not null
),

page_types as (
    select * from {{ ref('int_web__page_types') }}
),

period_audits as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('audited_date', grain) }} as period_start,
        page_path,
        performance_score,
        row_number() over (
            partition by page_path{{ ', ' ~ period_start('audited_date', grain) if grain != 'all' }}
            order by audited_at desc
        ) as audit_rank
    from audits
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

latest_audits as (
    select
        period_audits.period_grain,
        period_audits.period_start,
        {{ dimension_member('period_audits.page_path') }} as dimension_1,
        {{ dimension_member('page_types.page_type') }} as dimension_2,
        cast(period_audits.performance_score as decimal(38, 12)) as score,
        cast(period_audits.performance_score * period_audits.performance_score as decimal(38, 12))
            as squared_score
    from period_audits
    left join page_types on period_audits.page_path = page_types.page_path
    where period_audits.audit_rank = 1
),

scores as (
    select
        period_grain,
        period_start,
        {{ rolled_up_dimension(dimensions) }},
        cast(sum(score) as double) as numerator,
        cast(count(*) as double) as denominator,
        count(*) as sample_size,
        cast(sum(squared_score) as double) as sum_of_squares
    from latest_audits
    group by grouping sets (  -- noqa: PRS
        (period_grain, period_start),
        (period_grain, period_start, dimension_1),
        (period_grain, period_start, dimension_2)
    )
),

cells as (
    select
        'mobile_score' as kpi_id,
        'mean' as kind,
        1e0 as scale,
        *,
        case when sample_size > 1
            then sqrt({{ sample_variance('numerator', 'sum_of_squares', 'sample_size') }} / sample_size)
        end as standard_error
    from scores
    where
        period_grain not in ('day', 'week')
        or dimension_name not in {{ sql_text_list(of_many_members(dimensions)) }}
)

{{ measured_cells('cells') }}
