{{ config(unique_key='contact_id') }}
-- grain: one row per contact_id: an inbound interaction that is no leg, or a ticket without any
{% call touched_when('dim_agents') -%}
    select contact_id from {{ this }}
    where agent_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select contact_id from {{ this }}
    where
        started_at + {{ repeat_contact_window() }} > (select min(as_of) from {{ changes('stg_raw__as_of') }})
        or started_at + {{ automation_window() }} > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

contacts as (
    select * from {{ touched('int_contacts__contacts') }}
),

later_contacts as (
    select * from {{ touched('int_contacts__later_contacts', 'source_id') }}
),

agent_legs as (
    select * from {{ touched('int_contacts__agent_legs', "'interaction:' || first_interaction_id") }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

-- Without any outcome nobody knows what a machine dealt with.
recorded as (
    select * from {{ ref('int_contacts__recorded') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

-- A leg may be stamped with the very time of its call.
contacts_with_agent_leg as (
    select distinct contacts.contact_id
    from contacts
    inner join agent_legs on contacts.interaction_id = agent_legs.first_interaction_id
    where
        agent_legs.started_at >= contacts.started_at
        and agent_legs.started_at <= contacts.started_at + {{ automation_window() }}
),

followed_contacts as (
    select
        contacts.*,
        recorded.is_outcome_recorded,
        contacts.started_at + {{ repeat_contact_window() }} <= run.as_of as is_repeat_window_over,
        contacts.started_at + {{ automation_window() }} <= run.as_of as is_automation_window_over,
        later_contacts.later_contact_count,
        contacts_with_agent_leg.contact_id is not null
        or coalesce(later_contacts.later_agent_contact_count, 0) > 0 as is_agent_needed,
        contacts.outcome = 'completed_in_ivr'
        or (
            contacts.outcome = 'answered'
            and (
                contacts.handled_by in ('bot', 'ivr')
                or (contacts.handled_by is null and agents.is_bot)
            )
        ) as is_handled_by_machine
    from contacts
    cross join run
    cross join recorded
    left join later_contacts on contacts.contact_id = later_contacts.source_id
    left join contacts_with_agent_leg on contacts.contact_id = contacts_with_agent_leg.contact_id
    left join agents on contacts.agent_id = agents.agent_id
)

select
    contact_id,
    contact_source,
    interaction_id,
    ticket_id,
    customer_id,
    channel,
    topic,
    product_id,
    order_id,
    language,
    country,
    segment,
    agent_id,
    team,
    started_at,
    started_date,
    ended_at,

    -- KPI flags: null keeps a row out of the KPI
    -- A ticket is counted with the cases.
    case when contact_source = 'interaction' then customer_id is not null end as is_identified,
    case when customer_id is not null and is_repeat_window_over then later_contact_count > 0 end
        as is_repeated,
    case
        when contact_source = 'interaction' and is_automation_window_over and is_outcome_recorded
            then coalesce(is_handled_by_machine, false) and not is_agent_needed
    end as is_automated
from followed_contacts
