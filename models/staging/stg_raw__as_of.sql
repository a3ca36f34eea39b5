{{ config(materialized="kept") }}
-- grain: one row, the run
with

run as (
    select
        {% if var('as_of', none) is not none -%}
            cast({{ sql_text(var('as_of')) }} as timestamp) as as_of,
        {%- else -%}
        -- Shipments alone have no time of their own: what they say was known when they were landed.
        coalesce(
            max(last_at),
            max(case when row_count > 0 then modified_at end),
            cast('1970-01-01' as timestamp)
        ) as as_of,
        {%- endif %}
        min(first_at) as first_event_at
    from {{ source('landing', 'files') }}
)

select
    as_of,
    {{ reporting_date('as_of') }} as as_of_date,
    {{ reporting_date('first_event_at') }} as first_event_date
from run
