{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket that an inbound interaction gave birth to: that contact
with

contacts as (
    select * from {{ touched('int_contacts__contacts') }}
    where contact_source = 'interaction' and ticket_id is not null
),

tickets as (
    select * from {{ touched('int_tickets__valid') }}
),

ranked_contacts as (
    select
        *,
        row_number() over (partition by ticket_id order by started_at, interaction_id) as contact_number
    from contacts
)

select
    ranked_contacts.ticket_id,
    ranked_contacts.contact_id,
    ranked_contacts.customer_id,
    ranked_contacts.topic,
    ranked_contacts.started_at
from ranked_contacts
inner join tickets on ranked_contacts.ticket_id = tickets.ticket_id
where
    ranked_contacts.contact_number = 1
    -- Telephone systems log a call some seconds after the ticket that it opened; a first contact by another channel
    -- after the creation is about a ticket that was there already.
    and (ranked_contacts.started_at <= tickets.created_at or ranked_contacts.channel = tickets.channel)
