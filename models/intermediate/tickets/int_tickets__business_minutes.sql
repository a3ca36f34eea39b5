-- grain: one row per ticket with a response
with

responses as (
    select * from {{ ref('int_tickets__first_responses') }}
),

tickets as (
    select * from {{ ref('int_tickets__valid') }}
),

schedule_spans as (
    select * from {{ ref('int_tickets__schedule_spans') }}
),

open_intervals as (
    select * from {{ ref('int_service_time__open_intervals') }}
),

calendars as (
    select distinct
        calendar_id,
        schedule_scope,
        channel_scope
    from {{ ref('int_service_time__calendars') }}
),

-- A response before the creation counts backwards, as the calendar minutes do.
waits as (
    select
        tickets.ticket_id,
        least(tickets.created_at, responses.first_responded_at) as wait_from,
        greatest(tickets.created_at, responses.first_responded_at) as wait_until,
        case when responses.first_responded_at < tickets.created_at then -1 else 1 end as wait_sign
    from tickets
    inner join responses on tickets.ticket_id = responses.ticket_id
),

waits_by_schedule as (
    select
        waits.ticket_id,
        {{ joined_calendar_id() }} as calendar_id,
        case when schedule_spans.is_first then waits.wait_from
            else greatest(waits.wait_from, schedule_spans.applies_from) end as wait_from,
        least(waits.wait_until, coalesce(schedule_spans.applies_until, waits.wait_until)) as wait_until,
        waits.wait_sign
    from waits
    inner join (
        select
            *,
            row_number() over (partition by ticket_id order by applies_from, coalesce(applies_until, applies_from)) = 1
                as is_first
        from schedule_spans
    ) as schedule_spans on waits.ticket_id = schedule_spans.ticket_id
    {{ join_calendar('calendars', 'schedule_spans.schedule_id', 'schedule_spans.channel') }}
),

moments as (
    select calendar_id, wait_from as moment from waits_by_schedule
    union all
    select calendar_id, wait_until as moment from waits_by_schedule
),

open_time as (
    {{ open_time_at('moments', 'open_intervals') }}
),

measured_waits as (
    select
        waits_by_schedule.ticket_id,
        waits_by_schedule.wait_sign * case
            -- No calendar is open round the clock.
            when waits_by_schedule.calendar_id is null
                then {{ seconds_between('waits_by_schedule.wait_from', 'waits_by_schedule.wait_until') }}
            else open_until.open_seconds - open_from.open_seconds
        end as open_seconds
    from waits_by_schedule
    left join open_time as open_from
        on waits_by_schedule.calendar_id = open_from.calendar_id
        and waits_by_schedule.wait_from = open_from.moment
    left join open_time as open_until
        on waits_by_schedule.calendar_id = open_until.calendar_id
        and waits_by_schedule.wait_until = open_until.moment
    where waits_by_schedule.wait_from <= waits_by_schedule.wait_until
)

select
    ticket_id,
    sum(open_seconds) / 60 as first_response_business_minutes
from measured_waits
group by ticket_id
