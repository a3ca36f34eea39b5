{{ config(unique_key='interaction_id') }}
-- grain: one row per interaction_id, test calls and phantom rows left out
-- A row is a leg where its parent is there, whoever the parent's customer is and whatever is known of its times.
{% call touched_when('base_raw__interactions') -%}
    select interaction_id from {{ ref('stg_raw__interactions') }}
    where parent_interaction_id in (select interaction_id from {{ changes('base_raw__interactions') }})
{%- endcall %}
{{ touched_by_none('stg_raw__erased_customers') }}
{{ touched_by_none('stg_raw__as_of') }}
{% call touched_when('int_identity__links') -%}
    select interaction_id from {{ ref('stg_raw__interactions') }}
    where contact_address in (select identity_value from {{ changes('int_identity__links') }})
{%- endcall %}
{% call touched_when('dim_agents') -%}
    select interaction_id from {{ this }}
    where agent_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
{% call touched_when('int_contacts__agents_with_status') -%}
    select interaction_id from {{ this }}
    where agent_id in (select agent_id from {{ changes('int_contacts__agents_with_status') }})
{%- endcall %}
{% call touched_when('dim_customers') -%}
    select interaction_id from {{ this }}
    where customer_id in (select customer_id from {{ changes('dim_customers') }})
{%- endcall %}
{% call touched_when('dim_products') -%}
    select interaction_id from {{ this }}
    where product_id in (select product_id from {{ changes('dim_products') }})
{%- endcall %}
{% call touched_when('int_service_time__open_intervals') -%}
    select interaction_id from {{ this }}
    where started_at >= (select min(opens_at) from {{ changes('int_service_time__open_intervals') }})
{%- endcall %}
{% call touched_when('int_money__rates') -%}
    select interactions.interaction_id
    from {{ this }} as interactions
    inner join {{ ref('dim_agents') }} as agents on interactions.agent_id = agents.agent_id
    inner join {{ changes('int_money__rates') }} as rates
        on agents.currency = rates.currency
            and interactions.started_date >= rates.valid_from
            and interactions.started_date < rates.valid_until
{%- endcall %}
with

interactions as (
    select * from {{ touched('stg_raw__interactions') }}
    where is_excluded is not true
),

links as (
    select * from {{ ref('int_identity__links') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

parents as (
    select interaction_id from {{ ref('stg_raw__interactions') }}
),

reviewed_interactions as (
    select distinct interaction_id from {{ touched('stg_raw__quality_reviews') }}
),

agents_with_status as (
    select * from {{ ref('int_contacts__agents_with_status') }}
),

calendars as (
    select distinct
        calendar_id,
        schedule_scope,
        channel_scope
    from {{ ref('int_service_time__calendars') }}
),

open_intervals as (
    select * from {{ ref('int_service_time__open_intervals') }}
),

rates as (
    select * from {{ ref('int_money__rates') }}
),

currency_run as (
    select * from {{ ref('int_money__reporting_currency') }}
),

-- A figure that nobody records is unknown, not 0.
recorded as (
    select * from {{ ref('int_contacts__recorded') }}
),

known_interactions as (
    select
        interactions.*,
        {{ reporting_date('interactions.started_at') }} as started_date,
        coalesce(interactions.direction, 'inbound') as known_direction,
        {{ derived_outcome('interactions.outcome', 'interactions.answered_at', 'interactions.enqueued_at') }}
            as known_outcome,
        coalesce(interactions.customer_id, links.customer_id) as known_customer_id,
        agents.team,
        agents.department,
        agents.hourly_cost_amount,
        agents.currency as cost_currency,
        {{ is_by_agent('interactions.handled_by', 'agents.is_bot') }} as is_by_agent,
        agents_with_status.agent_id is not null and agents.is_bot is not true as has_agent_status,
        coalesce(parents.interaction_id <> interactions.interaction_id, false) as is_leg,
        {{ joined_calendar_id() }} as calendar_id
    from interactions
    left join links on interactions.contact_address = links.identity_value
    left join agents on interactions.agent_id = agents.agent_id
    left join parents on interactions.parent_interaction_id = parents.interaction_id
    left join agents_with_status on interactions.agent_id = agents_with_status.agent_id
    {{ join_calendar('calendars', 'null', 'interactions.channel') }}
),

moments as (
    select
        calendar_id,
        started_at as moment
    from known_interactions
),

open_time as (
    {{ open_time_at('moments', 'open_intervals') }}
),

timed_interactions as (
    select
        *,
        known_direction = 'inbound' and not is_leg as is_contact,
        known_direction in ('inbound', 'outbound') and known_outcome = 'answered' and is_by_agent
        and has_agent_status as is_measured_work,
        -- By whomever: a bot that hands over has transferred the contact, and took the customer's time.
        known_direction = 'inbound' and known_outcome = 'answered' as is_answered_by_anyone,
        known_outcome = 'answered' and is_by_agent as is_answered_by_agent,
        known_direction = 'inbound'
        and ((known_outcome = 'answered' and is_by_agent) or known_outcome = 'abandoned_in_queue')
            as is_offered,
        {{ waiting_seconds('known_outcome', 'queue_seconds', 'enqueued_at', 'answered_at', 'ended_at') }}
            as waiting_seconds,
        talk_seconds + coalesce(hold_seconds, 0) + coalesce(wrap_up_seconds, 0) as all_handle_seconds,
        {{ per_channel('channel', var('service_level_seconds'), 'null') }} as service_level_seconds
    from known_interactions
)

select
    timed_interactions.interaction_id,
    timed_interactions.parent_interaction_id,
    timed_interactions.known_customer_id as customer_id,
    timed_interactions.ticket_id,
    timed_interactions.order_id,
    timed_interactions.channel,
    timed_interactions.known_direction as direction,
    timed_interactions.queue_name,
    timed_interactions.topic,
    timed_interactions.product_id,
    products.brand,
    timed_interactions.agent_id,
    timed_interactions.team,
    timed_interactions.department,
    timed_interactions.handled_by,
    timed_interactions.known_outcome as outcome,
    coalesce(timed_interactions.language, customers.language) as language,
    customers.country,
    customers.segment,
    timed_interactions.started_at,
    timed_interactions.started_date,
    {{ reporting_hour('timed_interactions.started_at') }} as hour_of_day,
    {{ reporting_weekday('timed_interactions.started_at') }} as day_of_week,
    timed_interactions.enqueued_at,
    timed_interactions.answered_at,
    timed_interactions.ended_at,
    timed_interactions.is_leg,
    timed_interactions.is_contact,
    coalesce(timed_interactions.is_answered_by_agent, false) as is_answered_by_agent,
    -- Without any hours for it a channel is open round the clock.
    timed_interactions.calendar_id is null or open_time.is_open as is_in_service_hours,
    timed_interactions.waiting_seconds,
    timed_interactions.talk_seconds,
    timed_interactions.transfer_count,

    -- KPI flags and measures: null keeps a row out of the KPI
    case when timed_interactions.is_offered then
            timed_interactions.known_outcome = 'abandoned_in_queue'
    end as is_queue_abandoned,
    case when timed_interactions.is_offered and not (
                timed_interactions.known_outcome = 'abandoned_in_queue'
                and coalesce(timed_interactions.waiting_seconds <= {{ var('short_abandon_seconds') }}, false)
            ) then timed_interactions.known_outcome = 'abandoned_in_queue'
    end as is_queue_abandoned_net,
    case
        when timed_interactions.is_contact and timed_interactions.channel = 'phone'
            and recorded.is_outcome_recorded
            then coalesce(timed_interactions.known_outcome = 'abandoned_in_ivr', false)
    end as is_ivr_abandoned,
    case
        when timed_interactions.is_offered and recorded.is_waiting_recorded
            and timed_interactions.service_level_seconds is not null
            then timed_interactions.is_answered_by_agent
                and timed_interactions.waiting_seconds <= timed_interactions.service_level_seconds
    end as is_in_service_level,
    case
        when timed_interactions.is_offered and timed_interactions.is_answered_by_agent
            and recorded.is_waiting_recorded
            then timed_interactions.waiting_seconds
    end as answer_seconds,
    case
        when timed_interactions.is_offered and timed_interactions.is_answered_by_agent
            then timed_interactions.all_handle_seconds
    end as handle_seconds,
    case
        when timed_interactions.is_offered and timed_interactions.is_answered_by_agent
            and recorded.is_hold_recorded and timed_interactions.talk_seconds is not null
            then coalesce(timed_interactions.hold_seconds, 0)
    end as hold_seconds,
    case
        when timed_interactions.is_offered and timed_interactions.is_answered_by_agent
            and recorded.is_hold_recorded
            then timed_interactions.all_handle_seconds
    end as hold_base_seconds,
    case
        when timed_interactions.is_answered_by_anyone
            then timed_interactions.transfer_count > 0
    end as is_transferred,
    case
        when timed_interactions.is_offered and (timed_interactions.calendar_id is null or open_time.is_open)
            then timed_interactions.is_answered_by_agent
    end as is_answered,
    case when timed_interactions.is_offered then true end as is_offered,
    case
        when timed_interactions.known_direction = 'inbound'
            and timed_interactions.known_outcome = 'disconnected'
            then true
    end as is_disconnected,
    case
        when timed_interactions.is_answered_by_anyone
            then coalesce(timed_interactions.ivr_seconds, 0) + timed_interactions.waiting_seconds
                + timed_interactions.talk_seconds + coalesce(timed_interactions.hold_seconds, 0)
    end as customer_seconds,
    case
        when timed_interactions.is_offered and timed_interactions.is_answered_by_agent
            then timed_interactions.all_handle_seconds / 3600
                * cast({{ in_reporting_currency(
                    'timed_interactions.hourly_cost_amount', 'timed_interactions.cost_currency', 'rates.rate',
                    'currency_run.reporting_currency'
                ) }} as double)
    end as contact_cost_amount,
    case when timed_interactions.is_measured_work then timed_interactions.all_handle_seconds end
        as worked_seconds,
    case when timed_interactions.is_measured_work then true end as is_worked_contact,
    case
        when not timed_interactions.is_leg and timed_interactions.known_direction in ('inbound', 'outbound')
            then timed_interactions.known_direction = 'outbound'
    end as is_proactive,
    case
        when timed_interactions.is_contact and timed_interactions.is_answered_by_agent
            then reviewed_interactions.interaction_id is not null
    end as is_quality_reviewed
from timed_interactions
cross join recorded
cross join currency_run
left join open_time
    on timed_interactions.calendar_id = open_time.calendar_id
        and timed_interactions.started_at = open_time.moment
left join reviewed_interactions on timed_interactions.interaction_id = reviewed_interactions.interaction_id
{{ join_rate('rates', 'timed_interactions.cost_currency', 'timed_interactions.started_date') }}
left join customers on timed_interactions.known_customer_id = customers.customer_id
left join products on timed_interactions.product_id = products.product_id
