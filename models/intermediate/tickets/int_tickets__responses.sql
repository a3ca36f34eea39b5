{{ config(unique_key='ticket_id') }}
-- grain: one row per message that answers the requester
{% call touched_when('dim_agents') -%}
    select ticket_id from {{ ref('stg_raw__ticket_messages') }}
    where author_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
{% call touched_when('base_raw__customer_identities') -%}
    select ticket_id from {{ ref('base_raw__tickets') }}
    where contact_address in (select identity_value from {{ changes('base_raw__customer_identities') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select ticket_id from {{ ref('base_raw__tickets') }}
    where contact_address in (
        select identity_value from {{ ref('base_raw__customer_identities') }}
        where unlinked_at > (select min(as_of) from {{ changes('stg_raw__as_of') }})
    )
{%- endcall %}
with

messages as (
    select * from {{ touched('stg_raw__ticket_messages') }}
),

-- Those included that count nowhere: an answer in a merged ticket still reached the customer. From base, as are the
-- identities: who is erased later did not answer themselves before, and their ids go no further than this comparison.
tickets as (
    select
        ticket_id,
        customer_id,
        contact_address
    from {{ touched('base_raw__tickets') }}
    where row_verdict = 'accepted'
),

-- With those that were deleted: they count nowhere, while of a ticket that is not in the data nothing says so.
landed_tickets as (
    select distinct ticket_id from {{ touched('base_raw__tickets') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
),

identities as (
    select
        identities.identity_value,
        identities.customer_id,
        identities.linked_at
    from {{ ref('base_raw__customer_identities') }} as identities
    cross join run
    where
        identities.row_verdict = 'accepted'
        and (identities.unlinked_at is null or identities.unlinked_at > run.as_of)
        and identities.identity_value in (
            select contact_address from tickets
            where customer_id is null
        )
),

links as (
    {{ latest_links('identities') }}
),

requesters as (
    select
        tickets.ticket_id,
        coalesce(tickets.customer_id, links.customer_id) as requester_id
    from tickets
    left join links on tickets.contact_address = links.identity_value
)

select
    messages.message_id,
    messages.ticket_id,
    messages.sent_at as responded_at,
    messages.author_type
from messages
left join requesters on messages.ticket_id = requesters.ticket_id
left join landed_tickets on messages.ticket_id = landed_tickets.ticket_id
left join agents on messages.author_id = agents.agent_id
where
    (requesters.ticket_id is not null or landed_tickets.ticket_id is null)
    and messages.author_type in ('agent', 'community')
    and messages.is_public is not false
    and messages.is_auto_reply is not true
    and messages.is_spam is not true
    and agents.is_bot is not true
    -- An unknown author is not known to be the requester.
    and (messages.author_id is null or messages.author_id is distinct from requesters.requester_id)
