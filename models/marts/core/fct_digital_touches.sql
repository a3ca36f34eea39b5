{{ config(unique_key='customer_id') }}
-- grain: one row per touch_id: a web session or digital contact of a known customer
{% call touched_when('stg_raw__as_of') -%}
    select customer_id from {{ this }}
    where ended_at + {{ digital_to_call_window() }} > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
{%- set window = digital_to_call_window() %}
with

sessions as (
    select * from {{ touched('fct_sessions') }}
    where customer_id is not null
),

contacts as (
    select * from {{ touched('fct_contacts') }}
    where customer_id is not null
),

customers as (
    select * from {{ touched('dim_customers') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

touches as (
    select
        'web:' || session_key as touch_id,
        customer_id,
        'web' as digital_channel,
        started_at,
        started_date,
        last_event_at as ended_at,
        exit_page as last_page,
        last_search_term,
        topic,
        device_type
    from sessions

    union all

    select
        contact_id as touch_id,
        customer_id,
        channel as digital_channel,
        started_at,
        started_date,
        -- A window after a contact is counted from its start.
        started_at as ended_at,
        cast(null as {{ dbt.type_string() }}) as last_page,
        cast(null as {{ dbt.type_string() }}) as last_search_term,
        topic,
        cast(null as {{ dbt.type_string() }}) as device_type
    from contacts
    where channel in {{ digital_contact_channels() }}
),

moments as (
    select
        touch_id,
        customer_id,
        {{ microseconds('started_at') }} as moment_us,
        cast(null as timestamp) as called_at
    from touches

    union all

    select
        cast(null as {{ dbt.type_string() }}) as touch_id,
        customer_id,
        {{ microseconds('started_at') }} as moment_us,
        started_at as called_at
    from contacts
    where {{ is_call('contact_source', 'channel') }}
),

followed_moments as (
    select
        touch_id,
        min(called_at) over (
            partition by customer_id order by moment_us
            range between 1 following and unbounded following
        ) as next_called_at
    from moments
)

select
    touches.touch_id,
    touches.customer_id,
    touches.digital_channel,
    touches.started_at,
    touches.started_date,
    touches.ended_at,
    touches.last_page,
    touches.last_search_term,
    touches.topic,
    touches.device_type,
    customers.segment,
    case when followed_moments.next_called_at <= touches.ended_at + {{ window }} then
            followed_moments.next_called_at
    end as called_at,

    -- KPI flag: null keeps a row out of the KPI
    case when touches.ended_at + {{ window }} <= run.as_of then
            coalesce(followed_moments.next_called_at <= touches.ended_at + {{ window }}, false)
    end as is_followed_by_call
from touches
cross join run
left join followed_moments on touches.touch_id = followed_moments.touch_id
left join customers on touches.customer_id = customers.customer_id
