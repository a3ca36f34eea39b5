{{ config(unique_key='invitation_id') }}
-- grain: one row per invitation_id
-- Invitations of one customer are counted together.
{{ touched_together(
    'stg_raw__survey_invitations', 'customer_id', key='invitation_id', changed='base_raw__survey_invitations'
) }}
{% call touched_when('int_surveys__delivery_channels') -%}
    select invitations.invitation_id
    from {{ ref('stg_raw__survey_invitations') }} as invitations
    inner join {{ changes('int_surveys__delivery_channels') }} as channels
        on invitations.survey_id is not distinct from channels.survey_id
            and invitations.channel is not distinct from channels.channel
{%- endcall %}
{{ touched_by_subject('stg_raw__survey_invitations', 'invitation_id', 'ticket', 'fct_tickets', 'ticket_id') }}
{{ touched_by_subject('stg_raw__survey_invitations', 'invitation_id', 'ticket', 'int_tickets__history', 'ticket_id') }}
{{ touched_by_subject(
    'stg_raw__survey_invitations', 'invitation_id', 'interaction', 'base_raw__interactions', 'interaction_id'
) }}
{{ touched_by_subject('stg_raw__survey_invitations', 'invitation_id', 'shipment', 'fct_shipments', 'shipment_id') }}
{{ touched_by_subject('stg_raw__survey_invitations', 'invitation_id', 'order', 'fct_shipments', 'order_id') }}
-- What is read of an interaction does not depend on who its customer is, and one that ends after as_of ends after every
-- invitation that was sent.
{{ touched_by_none('stg_raw__erased_customers') }}
{{ touched_by_none('stg_raw__as_of') }}
{% call touched_when('dim_customers') -%}
    select invitation_id from {{ this }}
    where customer_id in (select customer_id from {{ changes('dim_customers') }})
{%- endcall %}
{%- set fatigue = var('survey_fatigue') %}
with

invitations as (
    select * from {{ touched('stg_raw__survey_invitations') }}
),

responses as (
    select * from {{ touched('stg_raw__survey_responses', 'invitation_id') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

histories as (
    select * from {{ ref('int_tickets__history') }}
),

-- Test calls and phantom rows are in no KPI, nor is what was asked about them.
interactions as (
    select * from {{ ref('stg_raw__interactions') }}
    where is_excluded is not true
),

shipments as (
    select * from {{ ref('fct_shipments') }}
),

delivery_channels as (
    select * from {{ ref('int_surveys__delivery_channels') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

answered_invitations as (
    select
        invitation_id,
        count(score) as answer_count
    from responses
    where invitation_id is not null
    group by invitation_id
),

-- When the experience that a survey asks about was over.
subject_ends as (
    select
        'ticket' as subject_type,
        tickets.ticket_id as subject_id,
        -- A survey may follow a solution that the customer reopened later.
        coalesce(tickets.last_solved_at, histories.last_solved_at) as ended_at
    from tickets
    left join histories on tickets.ticket_id = histories.ticket_id

    union all

    select
        'interaction' as subject_type,
        interaction_id as subject_id,
        ended_at
    from interactions

    union all

    select
        'shipment' as subject_type,
        shipment_id as subject_id,
        delivered_at as ended_at
    from shipments

    union all

    select
        'order' as subject_type,
        order_id as subject_id,
        max(delivered_at) as ended_at
    from shipments
    group by order_id
),

counted_invitations as (
    select
        invitations.*,
        -- Where a survey's channel never reports deliveries, every invitation sent counts as delivered.
        invitations.delivered_at is not null or delivery_channels.is_reporting is null as is_delivered,
        count(*) over (
            partition by invitations.customer_id order by invitations.sent_at
            range between interval '{{ fatigue.days }}' day preceding and current row
        ) as recent_invitation_count
    from invitations
    left join delivery_channels
        on invitations.survey_id is not distinct from delivery_channels.survey_id
            and invitations.channel is not distinct from delivery_channels.channel
)

select
    counted_invitations.invitation_id,
    counted_invitations.survey_id,
    counted_invitations.survey_type,
    counted_invitations.customer_id,
    customers.segment,
    counted_invitations.channel,
    counted_invitations.journey_stage,
    counted_invitations.lifecycle_stage,
    counted_invitations.subject_type,
    counted_invitations.subject_id,
    counted_invitations.sent_at,
    {{ reporting_date('counted_invitations.sent_at') }} as sent_date,
    counted_invitations.delivered_at,
    counted_invitations.opened_at,
    counted_invitations.started_at,
    {{ reporting_date('counted_invitations.started_at') }} as started_date,

    -- KPI flags and measures: null keeps a row out of the KPI
    case when counted_invitations.is_delivered then
            coalesce(answered_invitations.answer_count > 0, false)
    end as is_answered,
    case when counted_invitations.started_at is not null and answered_invitations.invitation_id is null
            then cast(1 as bigint)
    end as unfinished_count,
    case when counted_invitations.sent_at >= subject_ends.ended_at then
            {{ hours_between('subject_ends.ended_at', 'counted_invitations.sent_at') }}
    end as delay_hours,
    case when counted_invitations.customer_id is not null then
            counted_invitations.recent_invitation_count > {{ fatigue.invitations }}
    end as is_over_limit
from counted_invitations
left join answered_invitations on counted_invitations.invitation_id = answered_invitations.invitation_id
left join subject_ends
    on counted_invitations.subject_type = subject_ends.subject_type
        and counted_invitations.subject_id = subject_ends.subject_id
left join customers on counted_invitations.customer_id = customers.customer_id
