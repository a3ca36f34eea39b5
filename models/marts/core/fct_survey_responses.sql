-- grain: one row per response_id and question_id
with

responses as (
    select
        *,
        coalesce(aspect, 'overall') as known_aspect,
        coalesce(is_scale_reversed, false) as is_reversed,
        {{ scale_end('min') }} as scale_low,
        {{ scale_end('max') }} as scale_high
    from {{ ref('stg_raw__survey_responses') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

shipments as (
    select
        shipments.shipment_id,
        orders.channel
    from {{ ref('stg_raw__shipments') }} as shipments
    inner join orders on shipments.order_id = orders.order_id
),

articles as (
    select * from {{ ref('stg_raw__knowledge_articles') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

-- A response is all rows of one response_id and survey_id, dated by the latest of them.
dated_responses as (
    select
        *,
        max(responded_at) over (partition by response_id, survey_id) as response_at,
        {{ scale_place('score', 'scale_low', 'scale_high', 'is_reversed') }} as score_place,
        case when survey_type = 'nps' then
            {{ nps_score('score', 'scale_low', 'scale_high', 'is_reversed') }}
        end as nps_score
    from responses
),

-- What an answer does not say of itself is what its subject says.
described_responses as (
    select
        dated_responses.*,
        coalesce(dated_responses.channel, interactions.channel, tickets.channel, orders.channel, shipments.channel)
            as experience_channel,
        interactions.handled_by,
        coalesce(interactions.topic, tickets.topic, articles.topic) as topic,
        coalesce(interactions.agent_id, tickets.assignee_id, orders.agent_id) as agent_id,
        coalesce(interactions.team, tickets.team) as subject_team,
        coalesce(
            dated_responses.product_id, interactions.product_id, tickets.product_id, articles.product_id,
            case when dated_responses.subject_type = 'product' then dated_responses.subject_id end
        ) as known_product_id
    from dated_responses
    left join interactions
        on dated_responses.subject_type = 'interaction'
        and dated_responses.subject_id = interactions.interaction_id
    left join tickets
        on dated_responses.subject_type = 'ticket' and dated_responses.subject_id = tickets.ticket_id
    left join orders
        on dated_responses.subject_type = 'order' and dated_responses.subject_id = orders.order_id
    left join shipments
        on dated_responses.subject_type = 'shipment' and dated_responses.subject_id = shipments.shipment_id
    left join articles
        on dated_responses.subject_type = 'article' and dated_responses.subject_id = articles.article_id
)

select
    described_responses.response_id,
    coalesce(
        described_responses.question_id,
        described_responses.survey_type || ':' || described_responses.known_aspect
    ) as question_id,
    described_responses.invitation_id,
    described_responses.survey_id,
    described_responses.survey_type,
    described_responses.known_aspect as aspect,
    described_responses.customer_id,
    described_responses.response_at as responded_at,
    {{ reporting_date('described_responses.response_at') }} as responded_date,
    described_responses.journey_stage,
    described_responses.lifecycle_stage,
    described_responses.subject_type,
    described_responses.subject_id,
    described_responses.experience_channel as channel,
    described_responses.handled_by,
    described_responses.topic,
    described_responses.agent_id,
    coalesce(described_responses.subject_team, agents.team) as team,
    agents.department,
    described_responses.known_product_id as product_id,
    coalesce(described_responses.country, customers.country) as country,
    coalesce(described_responses.language, customers.language) as language,
    described_responses.device_type,
    customers.segment,
    described_responses.score,
    described_responses.scale_low as scale_min,
    described_responses.scale_high as scale_max,
    described_responses.score_place,
    described_responses.nps_score,

    -- KPI flags and measures: null keeps a row out of the KPI
    {{ nps_group_points('described_responses.nps_score') }} as nps_points,
    described_responses.nps_score >= 9 as is_promoter,
    described_responses.nps_score > 6 and described_responses.nps_score < 9 as is_passive,
    described_responses.nps_score <= 6 as is_detractor,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'overall' then
        {{ is_csat_satisfied('described_responses.score_place') }}
    end as is_satisfied,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'overall' then
        {{ is_csat_dissatisfied('described_responses.score_place') }}
    end as is_dissatisfied,
    case when described_responses.survey_type = 'csat' then
        {{ is_csat_satisfied('described_responses.score_place') }}
    end as is_satisfied_with_aspect,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'friendliness' then
        {{ is_csat_satisfied('described_responses.score_place') }}
    end as is_satisfied_with_friendliness,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'overall' then
        {{ points_on_scale('described_responses.score_place', 1, 5) }}
    end as csat_points,
    case when described_responses.survey_type = 'ces' then
        {{ points_on_scale('described_responses.score_place', 1, 7) }}
    end as ces_points,
    case when described_responses.survey_type = 'ces' then
        {{ is_ces_easy('described_responses.score_place') }}
    end as is_easy
from described_responses
left join agents on described_responses.agent_id = agents.agent_id
left join customers on described_responses.customer_id = customers.customer_id
