-- grain: one row per kpi_id, period_grain, period_start, dimension_name and dimension_value
with

cells as (
    {%- for family in cell_families() %}
    select
        kpi_id,
        kind,
        period_grain,
        period_start,
        dimension_name,
        dimension_value,
        value,
        numerator,
        denominator,
        sample_size,
        ci_low,
        ci_high,
        standard_error
    from {{ ref('kpi_cells__' ~ family) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

attainable_kpis as (
    select * from {{ ref('int_kpis__attainable') }}
    where is_attainable
),

missing_columns as (
    select * from {{ ref('int_kpis__missing_columns') }}
),

dictionary as (
    select * from {{ ref('kpi_dictionary') }}
),

targets as (
    select * from {{ ref('int_kpis__targets') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

dated_cells as (
    select
        cells.*,
        dictionary.better,
        case cells.period_grain
            {%- for grain in period_grains() if grain != 'all' %}
            when '{{ grain }}' then {{ next_period_start('cells.period_start', grain) }} - 1
            {%- endfor %}
            else run.as_of_date
        end as period_end,
        case cells.period_grain
            {%- for grain in period_grains() if grain != 'all' %}
            when '{{ grain }}' then {{ previous_period_start('cells.period_start', grain) }}
            {%- endfor %}
        end as previous_start,
        run.as_of
    from cells
    inner join attainable_kpis on cells.kpi_id = attainable_kpis.kpi_id
    inner join dictionary on cells.kpi_id = dictionary.kpi_id
    left join missing_columns on cells.kpi_id = missing_columns.kpi_id
    cross join run
    -- What a column that is nowhere would tell is unknown; cells without it would say 0, or all.
    where cells.value is not null and missing_columns.kpi_id is null
),

preceded_cells as (
    select
        this.*,
        previous.value as previous_value,
        previous.numerator as previous_numerator,
        previous.denominator as previous_denominator,
        previous.standard_error as previous_error,
        case
            when this.kind = 'mean' then {{ welch_degrees(
                'this.standard_error', 'this.sample_size', 'previous.standard_error', 'previous.sample_size'
            ) }}
        end as degrees_of_freedom
    from dated_cells as this
    left join dated_cells as previous
        on this.kpi_id = previous.kpi_id
            and this.period_grain = previous.period_grain
            and this.previous_start = previous.period_start
            and this.dimension_name = previous.dimension_name
            and this.dimension_value = previous.dimension_value
),

compared_cells as (
    select
        *,
        value - previous_value as change,
        case
            when kind = 'share' then {{ shares_differ(
                'numerator', 'denominator', 'previous_numerator', 'previous_denominator'
            ) }}
            when kind in ('mean', 'nps', 'median', 'p75') then
                abs(value - previous_value)
                > case when kind = 'mean' then {{ t_critical('degrees_of_freedom') }} else {{ normal_critical() }} end
                * sqrt(power(standard_error, 2) + power(previous_error, 2))
        end as is_change_significant
    from preceded_cells
),

targeted_cells as (
    select
        compared_cells.*,
        targets.target
    from compared_cells
    left join targets
        on compared_cells.kpi_id = targets.kpi_id
            and compared_cells.dimension_name = targets.dimension_name
            and compared_cells.dimension_value = targets.dimension_value
            and compared_cells.period_end >= coalesce(targets.valid_from, compared_cells.period_end)
            and compared_cells.period_end <= coalesce(targets.valid_to, compared_cells.period_end)
)

select
    kpi_id,
    period_grain,
    period_start,
    period_end,
    dimension_name,
    dimension_value,
    value,
    numerator,
    denominator,
    sample_size,
    ci_low,
    ci_high,
    -- The period `all` runs to as_of, so it is complete by its own definition.
    period_grain = 'all' or {{ first_instant('period_end + 1') }} <= as_of as is_complete_period,
    sample_size < {{ var('minimum_sample') }} as is_small_sample,
    target,
    case
        when target is null or better = 'neutral' then null
        when (better = 'up' and value >= target) or (better = 'down' and value <= target) then 'met'
        else 'missed'
    end as target_status,
    previous_value,
    change,
    is_change_significant
from targeted_cells
