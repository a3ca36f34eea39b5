-- grain: one row per row of the seed kpi_targets, with the last day on which it holds
with

targets as (
    select * from {{ ref('kpi_targets') }}
)

select
    kpi_id,
    dimension_name,
    dimension_value,
    valid_from,
    -- The next one takes its place, also on a day that both name.
    least(
        valid_to,
        lead(valid_from) over (
            partition by kpi_id, dimension_name, dimension_value order by valid_from nulls first, target
        ) - 1
    ) as valid_to,
    target
from targets
