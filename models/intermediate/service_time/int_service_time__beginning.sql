-- grain: one row, the first day on which anything meets opening times
with

first_times as (
    select min(started_at) as first_at from {{ ref('stg_raw__interactions') }}
    union all
    select min(created_at) as first_at from {{ ref('stg_raw__tickets') }}
    union all
    select min(event_at) as first_at from {{ ref('stg_raw__web_events') }}
    union all
    select min(checked_at) as first_at from {{ ref('stg_raw__uptime_checks') }}
    union all
    select min(started_at) as first_at from {{ ref('stg_raw__agent_status_events') }}
)

select {{ reporting_date('min(first_at)') }} as first_asked_date
from first_times
