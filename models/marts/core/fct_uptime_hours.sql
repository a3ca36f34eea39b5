-- grain: one row per monitor, site, hour of the reports and whether in service hours
with

checks as (
    select * from {{ ref('stg_raw__uptime_checks') }}
),

cuts as (
    select * from {{ ref('int_uptime__cuts') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

watches as (
    select
        checks.monitor_id,
        min(checks.checked_at) as first_checked_at,
        -- The last state holds until as_of, but nobody trusts it longer than a day.
        least(max(checks.checked_at) + interval '24' hour, max(run.as_of)) as watched_until
    from checks
    cross join run
    group by checks.monitor_id
),

changes as (
    select
        monitor_id,
        checked_at as changed_at,
        1 as check_count,
        site,
        is_up,
        cast(null as boolean) as is_in_service
    from checks

    union all

    -- From an hour before the first check: that hour's own beginning says whether it is in service.
    select
        watches.monitor_id,
        cuts.cut_at as changed_at,
        0 as check_count,
        cast(null as {{ dbt.type_string() }}) as site,
        cast(null as boolean) as is_up,
        cuts.is_in_service
    from watches
    inner join cuts
        on cuts.cut_at > watches.first_checked_at - interval '1' hour
            and cuts.cut_at < watches.watched_until

    union all

    select
        monitor_id,
        watched_until as changed_at,
        0 as check_count,
        cast(null as {{ dbt.type_string() }}) as site,
        cast(null as boolean) as is_up,
        cast(null as boolean) as is_in_service
    from watches
),

numbered_changes as (
    select
        *,
        sum(check_count) over (partition by monitor_id order by changed_at) as check_number,
        count(is_in_service) over (partition by monitor_id order by changed_at) as cut_number,
        lead(changed_at) over (
            partition by monitor_id order by changed_at, check_count, is_in_service nulls first
        ) as until_at
    from changes
),

-- Every stretch has the state of its last check and lies in the hour of its last cut.
stretches as (
    select
        monitor_id,
        check_number,
        max(site) over (partition by monitor_id, check_number) as site,
        max(cast(is_up as int)) over (partition by monitor_id, check_number) = 1 as is_up,
        max(cast(is_in_service as int)) over (partition by monitor_id, cut_number) = 1 as in_service_hours,
        {{ reporting_date('changed_at') }} as watched_date,
        {{ reporting_hour('changed_at') }} as hour_of_day,
        {{ reporting_weekday('changed_at') }} as day_of_week,
        -- Whole microseconds add up to the same sum in any order.
        {{ microseconds('until_at') }} - {{ microseconds('changed_at') }} as stretch_microseconds
    from numbered_changes
    where until_at is not null
)

select
    monitor_id,
    site,
    watched_date,
    hour_of_day,
    day_of_week,
    in_service_hours,

    -- KPI measures
    sum(stretch_microseconds) / 1e6 as watched_seconds,
    sum(case when is_up then stretch_microseconds else 0 end) / 1e6 as up_seconds,
    sum(case when is_up then 0 else stretch_microseconds end) / 6e7 as down_minutes
from stretches
where check_number > 0 and stretch_microseconds > 0
group by monitor_id, site, watched_date, hour_of_day, day_of_week, in_service_hours
