{{ config(unique_key='ticket_id') }}
-- grain: one row per ticket, those that do not count included
{% call touched_when('int_identity__links') -%}
    select ticket_id from {{ ref('stg_raw__tickets') }}
    where contact_address in (select identity_value from {{ changes('int_identity__links') }})
{%- endcall %}
{%- set fields = ['topic', 'team', 'assignee', 'priority'] %}
with

tickets as (
    select
        *,
        is_spam is not true and is_excluded is not true as is_genuine
    from {{ touched('stg_raw__tickets') }}
),

ticket_events as (
    select * from {{ touched('stg_raw__ticket_events') }}
),

links as (
    select * from {{ ref('int_identity__links') }}
),

field_events as (
    select
        ticket_id,
        lower(trim(field_name)) as field_name,
        new_value,
        row_number() over (
            partition by ticket_id, lower(trim(field_name)) order by event_at desc, event_id desc
        ) as recency
    from ticket_events
    where lower(trim(field_name)) in {{ sql_text_list(fields) }}
),

last_values as (
    select
        ticket_id,
        {%- for field in fields %}
        max(case when field_name = '{{ field }}' then new_value end) as {{ field }},
        bool_or(field_name = '{{ field }}') as has_{{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from field_events
    where recency = 1
    group by ticket_id
)

-- Where there is a history it decides, also when it ends in nobody; without one the column does.
select
    tickets.ticket_id,
    tickets.customer_id as requester_id,
    coalesce(tickets.customer_id, links.customer_id) as customer_id,
    tickets.created_at,
    tickets.channel,
    tickets.case_type,
    case when last_values.has_topic then last_values.topic else tickets.topic end as topic,
    tickets.subtopic,
    tickets.product_id,
    tickets.order_id,
    tickets.brand,
    tickets.language,
    case
        when last_values.has_priority
            then {{ accepted_code('last_values.priority', raw_contract()['tickets'].codes.priority) }}
        else tickets.priority
    end as priority,
    tickets.status,
    case when last_values.has_assignee then last_values.assignee else tickets.assignee_id end as assignee_id,
    case when last_values.has_team then last_values.team else tickets.team end as team,
    tickets.schedule_id,
    tickets.solved_at,
    tickets.closed_at,
    tickets.is_genuine,
    -- Merged into itself, it is still there.
    tickets.is_genuine and coalesce(tickets.merged_into_ticket_id = tickets.ticket_id, true) as is_valid
from tickets
left join last_values on tickets.ticket_id = last_values.ticket_id
left join links on tickets.contact_address = links.identity_value
