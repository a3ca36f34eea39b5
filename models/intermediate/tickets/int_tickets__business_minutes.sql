{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket with a response
-- What was over before the first interval that changed is measured as before.
{% call touched_when('int_service_time__open_intervals') -%}
    select ticket_id from {{ ref('int_tickets__first_responses') }}
    where first_responded_at >= (select min(opens_at) from {{ changes('int_service_time__open_intervals') }})
{%- endcall %}
with

responses as (
    select * from {{ touched('int_tickets__first_responses') }}
),

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

schedule_spans as (
    select * from {{ touched('int_tickets__schedule_spans') }}
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

-- Answered before it was created (a call that opened its ticket): nobody waited.
waits as (
    select
        tickets.ticket_id,
        tickets.created_at as wait_from,
        greatest(tickets.created_at, responses.first_responded_at) as wait_until
    from tickets
    inner join responses on tickets.ticket_id = responses.ticket_id
    -- That somebody answered may be known without the time.
    where responses.first_responded_at is not null
),

waits_by_schedule as (
    select
        waits.ticket_id,
        {{ joined_calendar_id() }} as calendar_id,
        greatest(waits.wait_from, schedule_spans.applies_from) as wait_from,
        least(waits.wait_until, coalesce(schedule_spans.applies_until, waits.wait_until)) as wait_until
    from waits
    inner join schedule_spans on waits.ticket_id = schedule_spans.ticket_id
    {{ join_calendar('calendars', 'schedule_spans.schedule_id', 'schedule_spans.channel') }}
),

moments as (
    select
        calendar_id,
        wait_from as moment
    from waits_by_schedule
    union all
    select
        calendar_id,
        wait_until as moment
    from waits_by_schedule
),

open_time as (
    {{ open_time_at('moments', 'open_intervals') }}
),

measured_waits as (
    select
        waits_by_schedule.ticket_id,
        case
            -- No calendar is open round the clock.
            when waits_by_schedule.calendar_id is null
                then
                    {{ microseconds('waits_by_schedule.wait_until') }}
                    - {{ microseconds('waits_by_schedule.wait_from') }}
            else open_until.open_microseconds - open_from.open_microseconds
        end as open_microseconds
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
    sum(open_microseconds) / 6e7 as first_response_business_minutes
from measured_waits
group by ticket_id
