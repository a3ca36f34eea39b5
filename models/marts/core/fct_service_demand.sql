{{ config(unique_key='demand_id') }}
-- grain: one row per demand_id: a contact, or a session with a support page
{% call touched_when('int_service_time__open_intervals') -%}
    select demand_id from {{ this }}
    where started_at >= (select min(opens_at) from {{ changes('int_service_time__open_intervals') }})
{%- endcall %}
with

contacts as (
    select * from {{ touched('int_contacts__contacts', 'contact_id') }}
),

support_sessions as (
    select * from {{ touched('fct_sessions', "'session:' || session_key") }}
    where is_support_session
),

schedule_spans as (
    select * from {{ touched('int_tickets__schedule_spans', "'ticket:' || ticket_id") }}
),

calendars as (
    select distinct
        calendar_id,
        schedule_scope,
        channel_scope
    from {{ ref('int_service_time__calendars') }}
),

open_intervals as (
    select * from {{ ref('int_service_time__open_intervals') }}
),

-- The schedule a ticket had when it was created.
first_schedules as (
    select
        schedule_spans.ticket_id,
        schedule_spans.schedule_id
    from schedule_spans
    inner join contacts
        on schedule_spans.ticket_id = contacts.ticket_id
            and schedule_spans.applies_from <= contacts.started_at
            and contacts.started_at < coalesce(schedule_spans.applies_until, cast('9999-12-31' as timestamp))
    where contacts.contact_source = 'ticket'
),

demand as (
    select
        contacts.contact_id as demand_id,
        'contact' as demand_type,
        contacts.channel,
        contacts.started_at,
        {{ joined_calendar_id() }} as calendar_id
    from contacts
    left join first_schedules on contacts.ticket_id = first_schedules.ticket_id
    {{ join_calendar('calendars', 'first_schedules.schedule_id', 'contacts.channel') }}

    union all

    -- A visitor asks for no channel: any row of service hours that is open will do.
    select
        'session:' || support_sessions.session_key as demand_id,
        'session' as demand_type,
        'web' as channel,
        support_sessions.started_at,
        calendars.calendar_id
    from support_sessions
    left join calendars
        on calendars.schedule_scope = '{{ any_schedule() }}'
            and calendars.channel_scope = '{{ any_channel() }}'
),

moments as (
    select
        calendar_id,
        started_at as moment
    from demand
),

open_time as (
    {{ open_time_at('moments', 'open_intervals') }}
)

select
    demand.demand_id,
    demand.demand_type,
    demand.channel,
    demand.started_at,
    {{ reporting_date('demand.started_at') }} as started_date,
    {{ reporting_hour('demand.started_at') }} as hour_of_day,
    {{ reporting_weekday('demand.started_at') }} as day_of_week,
    -- Without any hours for it a channel is open round the clock.
    demand.calendar_id is not null and not open_time.is_open as is_out_of_hours
from demand
left join open_time
    on demand.calendar_id = open_time.calendar_id and demand.started_at = open_time.moment
