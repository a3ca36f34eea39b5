-- Which members moved a share between its last two complete months: their own change, weighted by their size.
with

months as (
    select
        dimension_name,
        dimension_value,
        period_start,
        value,
        numerator,
        denominator,
        row_number() over (
            partition by dimension_name, dimension_value order by period_start desc
        ) as months_back
    from {{ ref('kpi_values') }}
    where kpi_id = 'first_response_within_target' and period_grain = 'month' and is_complete_period
)

select
    latest.dimension_name,
    latest.dimension_value,
    previous.value as previous_value,
    latest.value as latest_value,
    latest.denominator as cases,
    (latest.value - previous.value) * latest.denominator as cases_gained
from months as latest
inner join months as previous
    on
        latest.dimension_name = previous.dimension_name
        and latest.dimension_value = previous.dimension_value
        and previous.months_back = 2
where latest.months_back = 1 and latest.dimension_name <> 'overall'
order by abs((latest.value - previous.value) * latest.denominator) desc
