{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket with an inbound interaction: the contact it was born from
with

contacts as (
    select * from {{ touched('int_contacts__contacts') }}
    where contact_source = 'interaction' and ticket_id is not null
),

ranked_contacts as (
    select
        ticket_id,
        contact_id,
        customer_id,
        topic,
        started_at,
        row_number() over (partition by ticket_id order by started_at, interaction_id) as contact_number
    from contacts
)

select
    ticket_id,
    contact_id,
    customer_id,
    topic,
    started_at
from ranked_contacts
where contact_number = 1
