-- grain: one row per channel on which agents can be there; a null channel stands for all where none is named
with

-- Staffing is measured on channels with hours or statuses of their own, work on those of answers too.
named_channels as (
    select
        channel,
        1 as is_scheduled,
        1 as is_worked
    from {{ ref('stg_raw__agent_status_events') }}

    union all

    select
        channel,
        1 as is_scheduled,
        0 as is_worked
    from {{ ref('stg_raw__service_hours') }}

    union all

    select
        channel,
        0 as is_scheduled,
        1 as is_worked
    from {{ ref('fct_interactions') }}
    where is_worked_contact

    union all

    -- Chat hours matter to visitors even where nobody has chatted yet.
    select
        'chat' as channel,
        0 as is_scheduled,
        0 as is_worked
),

channels as (
    select
        channel,
        max(is_scheduled) = 1 as is_scheduled,
        max(is_worked) = 1 as is_worked
    from named_channels
    where channel is not null
    group by channel
)

select
    channel,
    is_scheduled,
    is_worked
from channels

union all

select
    cast(null as {{ dbt.type_string() }}) as channel,
    not bool_or(is_scheduled) as is_scheduled,
    not bool_or(is_worked) as is_worked
from channels
having not (bool_or(is_scheduled) and bool_or(is_worked))
