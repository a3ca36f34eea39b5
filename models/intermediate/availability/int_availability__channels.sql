-- grain: one row per channel on which agents can be there; a null channel stands for all where none is named
with

named_channels as (
    select channel from {{ ref('stg_raw__agent_status_events') }}
    union
    select channel from {{ ref('stg_raw__service_hours') }}
    union
    select channel from {{ ref('fct_interactions') }}
),

channels as (
    select
        channel,
        max(is_named) as is_named
    from (
        select
            channel,
            1 as is_named
        from named_channels
        where channel is not null

        union all

        -- Chat hours matter to visitors even where nobody has chatted yet.
        select
            'chat' as channel,
            0 as is_named
    )
    group by channel
)

select
    channel,
    is_named = 1 as is_named
from channels

union all

select
    cast(null as {{ dbt.type_string() }}) as channel,
    true as is_named
from (select max(is_named) as is_any_named from channels)
where is_any_named = 0
