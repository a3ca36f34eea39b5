{{ config(unique_key='ticket_id') }}
-- grain: one row per message that answers the requester
{% call touched_when('dim_agents') -%}
    select ticket_id from {{ ref('stg_raw__ticket_messages') }}
    where author_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
with

messages as (
    select * from {{ touched('stg_raw__ticket_messages') }}
),

-- Those included that count nowhere: an answer in a merged ticket still reached the customer.
tickets as (
    select * from {{ touched('int_tickets__current') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
)

select
    messages.message_id,
    messages.ticket_id,
    messages.sent_at as responded_at,
    messages.author_id,
    messages.author_type
from messages
inner join tickets on messages.ticket_id = tickets.ticket_id
left join agents on messages.author_id = agents.agent_id
where
    messages.author_type in ('agent', 'community')
    and messages.is_public is not false
    and messages.is_auto_reply is not true
    and messages.is_spam is not true
    and agents.is_bot is not true
    -- An unknown author is not known to be the requester.
    and (messages.author_id is null or messages.author_id is distinct from tickets.requester_id)
