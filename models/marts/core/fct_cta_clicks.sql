{{ config(unique_key='session_key') }}
-- grain: one row per event_id of a click on a call to action
with

clicks as (
    select * from {{ touched('int_web__events') }}
    where event_name = 'cta_click'
),

value_events as (
    select * from {{ touched('int_web__events') }}
    where event_name in ('purchase', 'lead') and value_amount is not null
),

clicks_before_value as (
    select
        clicks.event_id,
        value_events.value_amount,
        row_number() over (
            partition by value_events.event_id order by clicks.event_at desc, clicks.event_id desc
        ) as click_rank
    from value_events
    inner join clicks
        on value_events.session_key = clicks.session_key
            and (
                clicks.event_at < value_events.event_at
                or (clicks.event_at = value_events.event_at and clicks.event_id < value_events.event_id)
            )
),

credited_values as (
    select
        event_id,
        sum(value_amount) as value_amount
    from clicks_before_value
    where click_rank = 1
    group by event_id
)

select
    clicks.event_id,
    clicks.session_key,
    clicks.event_at,
    {{ reporting_date('clicks.event_at') }} as event_date,
    clicks.cta_id,
    clicks.cta_position,
    clicks.page_path,
    clicks.page_type,
    clicks.device_type,
    cast(credited_values.value_amount as decimal(28, 8)) as credited_value_amount,

    -- KPI measure: null keeps a row out of the KPI
    case when clicks.page_type in {{ support_page_types() }} then
            cast(coalesce(credited_values.value_amount, 0) as decimal(28, 8))
    end as support_value_amount
from clicks
left join credited_values on clicks.event_id = credited_values.event_id
