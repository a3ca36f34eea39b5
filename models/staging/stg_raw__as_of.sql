{{ config(materialized="table") }}
-- grain: one row, the run
with

own_times as (
    {%- for table, contract in raw_contract().items() if contract.own_time %}
    select
        min({{ own_instant(contract) }}) as first_at,
        max(
            case
                when
                    {{ own_instant(contract) }} <= _loaded_at + interval '1' day
                    then {{ own_instant(contract) }}
            end
        )
            as last_at
    from {{ source('raw', table) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

run as (
    select
        {% if var('as_of', none) is not none -%}
            cast({{ sql_text(var('as_of')) }} as timestamp) as as_of,
        {%- else -%}
        {#- A row that claims to be much later than its landing is from the future and must not set the date. -#}
        coalesce(max(last_at), cast('1970-01-01' as timestamp)) as as_of,
        {%- endif %}
        min(first_at) as first_event_at
    from own_times
)

select
    as_of,
    {{ reporting_date('as_of') }} as as_of_date,
    {{ reporting_date('first_event_at') }} as first_event_date
from run
