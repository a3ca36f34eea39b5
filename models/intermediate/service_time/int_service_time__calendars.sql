-- grain: one row per calendar and row of service_hours in it
with

service_hours as (
    select
        *,
        row_number() over (
            order by schedule_id, channel, weekday, opens_at, valid_from, closes_at
        ) as service_hours_row
    from {{ ref('stg_raw__service_hours') }}
),

schedule_scopes as (
    select distinct schedule_id as schedule_scope from service_hours
    union all
    -- What has no schedule of its own follows all of them.
    select '{{ any_schedule() }}' as schedule_scope
),

channel_scopes as (
    select distinct channel as channel_scope from service_hours
    where channel is not null
    union all
    -- A channel without rows of its own follows the rows of every channel.
    select '{{ other_channel() }}' as channel_scope
    union all
    select '{{ any_channel() }}' as channel_scope
)

select
    schedule_scopes.schedule_scope || '|' || channel_scopes.channel_scope as calendar_id,
    schedule_scopes.schedule_scope,
    channel_scopes.channel_scope,
    service_hours.service_hours_row,
    service_hours.schedule_id,
    coalesce(trim(service_hours.timezone), 'UTC') as timezone,
    service_hours.weekday,
    service_hours.opens_at,
    service_hours.closes_at,
    service_hours.valid_from,
    service_hours.valid_to
from schedule_scopes
cross join channel_scopes
inner join service_hours
    on (
        schedule_scopes.schedule_scope = '{{ any_schedule() }}'
        or service_hours.schedule_id = schedule_scopes.schedule_scope
    )
    and (
        channel_scopes.channel_scope = '{{ any_channel() }}'
        or service_hours.channel is null
        or service_hours.channel = channel_scopes.channel_scope
    )
