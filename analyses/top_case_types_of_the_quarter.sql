-- The topics that bring most cases in the last complete quarter, with their share and what satisfaction they leave.
with

quarters as (
    select
        kpi_id,
        period_start,
        dimension_name,
        dimension_value,
        value
    from {{ ref('kpi_values') }}
    where period_grain = 'quarter' and is_complete_period and kpi_id in ('case_volume', 'csat')
),

last_quarter as (
    select max(period_start) as period_start from quarters
    where kpi_id = 'case_volume'
)

select
    volumes.dimension_value as topic,
    volumes.value as cases,
    volumes.value / totals.value as share_of_cases,
    scores.value as csat
from quarters as volumes
inner join last_quarter on volumes.period_start = last_quarter.period_start
inner join quarters as totals
    on
        volumes.period_start = totals.period_start
        and totals.kpi_id = 'case_volume'
        and totals.dimension_name = 'overall'
left join quarters as scores
    on
        volumes.period_start = scores.period_start
        and volumes.dimension_value = scores.dimension_value
        and scores.kpi_id = 'csat'
        and scores.dimension_name = 'topic'
where volumes.kpi_id = 'case_volume' and volumes.dimension_name = 'topic'
order by volumes.value desc
limit 20
