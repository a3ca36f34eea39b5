{{ config(unique_key='session_key') }}
-- grain: one row per session_key of a web session that saw a support page
{% call touched_when('fct_contacts') -%}
    select session_key from {{ ref('fct_sessions') }}
    where customer_id in (select customer_id from {{ changes('fct_contacts') }})
{%- endcall %}
{% call touched_when('fct_cases') -%}
    select session_key from {{ ref('fct_sessions') }}
    where customer_id in (select customer_id from {{ changes('fct_cases') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select session_key from {{ ref('fct_sessions') }}
    where last_event_at + {{ digital_to_call_window() }} > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

sessions as (
    select * from {{ touched('fct_sessions') }}
    where is_support_session
),

contacts as (
    select * from {{ ref('fct_contacts') }}
    where customer_id is not null
),

cases as (
    select * from {{ ref('fct_cases') }}
    where customer_id is not null
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

-- Time is in whole microseconds, so that what follows can begin right after a session's start.
moments as (
    select
        session_key,
        customer_id,
        {{ microseconds('started_at') }} as moment_us,
        cast(null as bigint) as contact_us,
        cast(null as bigint) as case_us
    from sessions
    where customer_id is not null

    union all

    select
        cast(null as {{ dbt.type_string() }}) as session_key,
        customer_id,
        {{ microseconds('started_at') }} as moment_us,
        {{ microseconds('started_at') }} as contact_us,
        cast(null as bigint) as case_us
    from contacts

    union all

    select
        cast(null as {{ dbt.type_string() }}) as session_key,
        customer_id,
        {{ microseconds('created_at') }} as moment_us,
        cast(null as bigint) as contact_us,
        {{ microseconds('created_at') }} as case_us
    from cases
),

followed_moments as (
    select
        session_key,
        min(contact_us) over later as next_contact_us,
        min(case_us) over later as next_case_us
    from moments
    window later as (
        partition by customer_id order by moment_us
        range between 1 following and unbounded following
    )
),

followed_sessions as (
    select
        sessions.*,
        sessions.last_event_at + {{ digital_to_call_window() }} <= run.as_of as is_window_over,
        coalesce(
            followed_moments.next_contact_us
            <= {{ microseconds('sessions.last_event_at + ' ~ digital_to_call_window()) }}, false
        ) as has_contact_after,
        coalesce(
            followed_moments.next_case_us
            <= {{ microseconds('sessions.last_event_at + ' ~ digital_to_call_window()) }}, false
        ) as has_case_after
    from sessions
    cross join run
    left join followed_moments on sessions.session_key = followed_moments.session_key
)

select
    session_key,
    person_id,
    customer_id,
    started_at,
    started_date,
    last_event_at,
    landing_page,
    exit_page,
    device_type,
    language,
    topic,
    has_contact_after,
    has_case_after,

    -- KPI flags: null keeps a row out of the KPI
    case
        when customer_id is not null and is_window_over
            then not (has_contact_after or has_case_after)
    end as is_self_service_success,
    case when is_window_over then not (
                has_helpful_vote
                or has_cta_click
                or has_purchase
                or coalesce(longest_article_seconds >= {{ read_article_seconds() }}, false)
                or has_contact_click
                or has_chat_request
                or has_contact_after
            )
    end as is_abandoned
from followed_sessions
