-- grain: one row per KPI of the dictionary
with

dictionary as (
    select * from {{ ref('kpi_dictionary') }}
),

owners as (
    select * from {{ ref('kpi_owners') }}
),

targets as (
    select * from {{ ref('int_kpis__targets') }}
),

attainable_kpis as (
    select * from {{ ref('int_kpis__attainable') }}
),

missing_columns as (
    select * from {{ ref('int_kpis__missing_columns') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

current_targets as (
    select
        targets.kpi_id,
        max(targets.target) as target
    from targets
    cross join run
    where
        targets.dimension_name = 'overall'
        and run.as_of_date >= coalesce(targets.valid_from, run.as_of_date)
        and run.as_of_date <= coalesce(targets.valid_to, run.as_of_date)
    group by targets.kpi_id
),

last_periods as (
    select
        kpi_id,
        coalesce(
            max(case when period_grain = 'month' then period_start end),
            -- What has no months is of the day of as_of.
            cast(date_trunc('month', max(period_end)) as date)
        ) as last_period_with_data
    from {{ ref('kpi_values') }}
    group by kpi_id
)

select
    dictionary.kpi_id,
    dictionary.kpi_id as id,
    dictionary.name,
    dictionary.question,
    dictionary.unit,
    dictionary.better,
    dictionary.formula,
    dictionary.needs,
    owners.owner,
    coalesce(owners.tier, 'supporting') as tier,
    current_targets.target,
    attainable_kpis.is_attainable,
    attainable_kpis.missing_tables,
    missing_columns.missing_columns,
    last_periods.last_period_with_data
from dictionary
inner join attainable_kpis on dictionary.kpi_id = attainable_kpis.kpi_id
left join missing_columns on dictionary.kpi_id = missing_columns.kpi_id
left join owners on dictionary.kpi_id = owners.kpi_id
left join current_targets on dictionary.kpi_id = current_targets.kpi_id
left join last_periods on dictionary.kpi_id = last_periods.kpi_id
