{{ config(unique_key='customer_id') }}
-- grain: one row per contact or ticket of a known customer, with how many contacts of that customer follow it
{%- set repeat_window = var('repeat_contact_window_days') * 86400000000 %}
{%- set automation_window = automation_hours() | int * 3600000000 %}
with

contacts as (
    select * from {{ touched('int_contacts__contacts') }}
    where customer_id is not null
),

tickets as (
    select * from {{ touched('fct_tickets') }}
    where customer_id is not null
),

-- A ticket that is no contact of its own has contacts after it all the same.
moments as (
    select
        contact_id as source_id,
        customer_id,
        topic,
        {{ microseconds('started_at') }} as moment_us,
        1 as contact_count,
        case when is_answered_by_agent then 1 else 0 end as agent_contact_count
    from contacts

    union all

    select
        'ticket:' || tickets.ticket_id as source_id,
        tickets.customer_id,
        tickets.topic,
        {{ microseconds('tickets.created_at') }} as moment_us,
        0 as contact_count,
        0 as agent_contact_count
    from tickets
    left join contacts on 'ticket:' || tickets.ticket_id = contacts.contact_id
    where contacts.contact_id is null
)

-- Contacts at the same instant do not follow one another.
select
    source_id,
    customer_id,
    topic,
    cast(coalesce(sum(contact_count) over (
        partition by customer_id order by moment_us
        range between 1 following and {{ repeat_window }} following
    ), 0) as bigint) as later_contact_count,
    cast(coalesce(sum(contact_count) over (
        partition by customer_id, topic order by moment_us
        range between 1 following and {{ repeat_window }} following
    ), 0) as bigint) as later_topic_contact_count,
    cast(coalesce(sum(agent_contact_count) over (
        partition by customer_id order by moment_us
        range between 1 following and {{ automation_window }} following
    ), 0) as bigint) as later_agent_contact_count
from moments
