{{ config(materialized="kept") }}
-- grain: one row, the run
with

run as (
    select
        {% if var('as_of', none) is not none -%}
            cast({{ sql_text(var('as_of')) }} as timestamp) as as_of,
        {%- else -%}
        coalesce(max(last_at), cast('1970-01-01' as timestamp)) as as_of,
        {%- endif %}
        min(first_at) as first_event_at
    from {{ source('landing', 'files') }}
)

select
    as_of,
    {{ reporting_date('as_of') }} as as_of_date,
    {{ reporting_date('first_event_at') }} as first_event_date
from run
