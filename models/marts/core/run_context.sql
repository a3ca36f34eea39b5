-- grain: one row, the run that made these marts
with

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

currency as (
    select * from {{ ref('int_money__reporting_currency') }}
)

select
    run.as_of,
    run.as_of_date,
    run.first_event_date,
    {{ sql_text(var('reporting_timezone')) }} as reporting_timezone,
    currency.reporting_currency,
    cast({{ var('minimum_sample') }} as bigint) as minimum_sample
from run
cross join currency
