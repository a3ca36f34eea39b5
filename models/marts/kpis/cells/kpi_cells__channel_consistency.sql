-- grain: one row per period, dimension and member of channel_consistency_gap
{%- set dimensions = kpi_dictionary()['channel_consistency_gap'].by %}
with

answers as (
    select * from {{ ref('fct_survey_responses') }}
    where is_satisfied is not null and channel is not null
),

daily_answers as (
    select
        responded_date,
        channel,
        {{ rolled_up_dimension(dimensions) }},
        count(*) as answer_count,
        count(case when is_satisfied then 1 end) as satisfied_count
    from (
        select
            responded_date,
            channel,
            {%- for dimension in dimensions %}
            {{ dimension_member(dimension) }} as dimension_{{ loop.index }},
            {%- endfor %}
            is_satisfied
        from answers
    )
    group by grouping sets (  -- noqa: PRS
        (responded_date, channel)
        {%- for dimension in dimensions %},
        (responded_date, channel, dimension_{{ loop.index }})
        {%- endfor %}
    )
),

channel_scores as (
    {%- for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain,
        {{ period_start('responded_date', grain) }} as period_start,
        dimension_name,
        dimension_value,
        channel,
        sum(answer_count) as answer_count,
        sum(satisfied_count) as satisfied_count
    from daily_answers
    {%- if grain in ('day', 'week') %}
    where dimension_name not in {{ sql_text_list(of_many_members(dimensions)) }}
    {%- endif %}
    group by
        {{ period_start('responded_date', grain) ~ ', ' if grain != 'all' }}dimension_name,
        dimension_value, channel
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    'channel_consistency_gap' as kpi_id,
    'gap' as kind,
    period_grain,
    period_start,
    dimension_name,
    dimension_value,
    cast(
        max(1e0 * satisfied_count / answer_count) - min(1e0 * satisfied_count / answer_count) as double
    ) as value,
    cast(null as double) as ci_low,
    cast(null as double) as ci_high,
    cast(null as double) as numerator,
    cast(null as double) as denominator,
    cast(sum(answer_count) as bigint) as sample_size,
    cast(null as double) as standard_error
from channel_scores
where answer_count >= {{ var('minimum_sample') }}
group by period_grain, period_start, dimension_name, dimension_value
having count(*) >= 2
