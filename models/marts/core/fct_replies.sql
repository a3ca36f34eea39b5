{{ config(unique_key='ticket_id') }}
-- grain: one row per customer message that opens a wait: the first since the last answer
with

messages as (
    select * from {{ touched('stg_raw__ticket_messages') }}
    where is_public is not false and is_spam is not true
),

tickets as (
    select * from {{ touched('fct_tickets') }}
),

-- Those included that count nowhere; of a ticket that is not in the data nothing says so.
landed_tickets as (
    select distinct ticket_id from {{ touched('base_raw__tickets') }}
),

responses as (
    select * from {{ touched('int_tickets__responses') }}
),

-- Bots, automatic replies and notes neither open a wait nor end one.
turns as (
    select
        messages.message_id,
        messages.ticket_id,
        messages.sent_at,
        messages.channel,
        responses.message_id is not null as is_answer
    from messages
    left join responses on messages.message_id = responses.message_id
    where responses.message_id is not null or messages.author_type = 'customer'
),

followed_turns as (
    select
        *,
        coalesce(lag(is_answer) over (
            partition by ticket_id order by sent_at, message_id
        ), true) as follows_an_answer,
        count(case when is_answer then 1 end) over (
            partition by ticket_id order by sent_at, message_id
            rows between unbounded preceding and current row
        ) as answer_number
    from turns
),

answers as (
    select * from followed_turns
    where is_answer
)

select
    followed_turns.message_id,
    followed_turns.ticket_id,
    tickets.customer_id,
    followed_turns.sent_at,
    {{ reporting_date('followed_turns.sent_at') }} as sent_date,
    coalesce(followed_turns.channel, tickets.channel) as channel,
    tickets.topic,
    tickets.team,
    tickets.assignee_id as agent_id,
    tickets.priority,
    tickets.language,
    answers.sent_at as answered_at,
    {{ minutes_between('followed_turns.sent_at', 'answers.sent_at') }} as reply_minutes
from followed_turns
left join tickets on followed_turns.ticket_id = tickets.ticket_id
left join landed_tickets on followed_turns.ticket_id = landed_tickets.ticket_id
left join answers
    on
        followed_turns.ticket_id = answers.ticket_id
        and followed_turns.answer_number + 1 = answers.answer_number
where
    not followed_turns.is_answer and followed_turns.follows_an_answer
    and (tickets.ticket_id is not null or landed_tickets.ticket_id is null)
