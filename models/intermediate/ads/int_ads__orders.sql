{{ config(unique_key='person_id') }}
-- grain: one row per order_id of a known person, and whether a click has brought it
with

orders as (
    select * from {{ touched('fct_orders') }}
    where is_order and person_id is not null
),

clicks as (
    select * from {{ touched('int_ads__clicks') }}
    where person_id is not null
),

moments as (
    select
        order_id,
        person_id,
        {{ microseconds('ordered_at') }} as moment_us,
        cast(null as bigint) as click_us
    from orders

    union all

    select
        cast(null as {{ dbt.type_string() }}) as order_id,
        person_id,
        {{ microseconds('event_at') }} as moment_us,
        {{ microseconds('event_at') }} as click_us
    from clicks
),

preceded_moments as (
    select
        order_id,
        person_id,
        moment_us,
        max(click_us) over (
            partition by person_id order by moment_us
            range between unbounded preceding and 1 preceding
        ) as last_click_us
    from moments
)

select
    order_id,
    person_id,
    moment_us as ordered_us,
    coalesce(
        moment_us - last_click_us <= {{ var('click_through_window_days') }} * 86400000000, false
    ) as is_credited_to_click
from preceded_moments
where order_id is not null
