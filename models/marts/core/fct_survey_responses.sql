{{ config(unique_key='response_id') }}
-- grain: one row per response_id and question_id
-- Answers of one customer follow one another.
{{ touched_together(
    'stg_raw__survey_responses', 'customer_id', key='response_id', changed='base_raw__survey_responses'
) }}
{{ touched_by_subject(
    'stg_raw__survey_responses', 'response_id', 'interaction', 'base_raw__interactions', 'interaction_id'
) }}
{{ touched_by_subject('stg_raw__survey_responses', 'response_id', 'ticket', 'int_tickets__current', 'ticket_id') }}
{{ touched_by_subject('stg_raw__survey_responses', 'response_id', 'order', 'fct_orders', 'order_id') }}
{{ touched_by_subject('stg_raw__survey_responses', 'response_id', 'shipment', 'base_raw__shipments', 'shipment_id') }}
{{ touched_by_subject(
    'stg_raw__survey_responses', 'response_id', 'article', 'base_raw__knowledge_articles', 'article_id'
) }}
{% call touched_when('fct_orders') -%}
    select response_id from {{ ref('stg_raw__survey_responses') }}
    where subject_type = 'shipment' and subject_id in (
        select shipment_id from {{ ref('stg_raw__shipments') }}
        where order_id in (select order_id from {{ changes('fct_orders') }})
    )
{%- endcall %}
-- What is read of an interaction does not depend on who its customer is.
{{ touched_by_none('stg_raw__erased_customers') }}
{% call touched_when('int_surveys__company_touches') -%}
    select response_id from {{ ref('stg_raw__survey_responses') }}
    where customer_id in (select customer_id from {{ changes('int_surveys__company_touches') }})
{%- endcall %}
{% call touched_when('dim_agents') -%}
    select response_id from {{ this }}
    where agent_id in (select agent_id from {{ changes('dim_agents') }})
{%- endcall %}
{% call touched_when('dim_customers') -%}
    select response_id from {{ this }}
    where customer_id in (select customer_id from {{ changes('dim_customers') }})
{%- endcall %}
{% call touched_when('stg_raw__as_of') -%}
    select response_id from {{ this }}
    where
        responded_at + {{ var('detractor_follow_up_hours') }} * interval '1' hour
        > (select min(as_of) from {{ changes('stg_raw__as_of') }})
{%- endcall %}
with

responses as (
    select
        *,
        coalesce(aspect, 'overall') as known_aspect,
        coalesce(is_scale_reversed, false) as is_reversed,
        {{ scale_end('min') }} as scale_low,
        {{ scale_end('max') }} as scale_high
    from {{ touched('stg_raw__survey_responses') }}
),

-- As landed, those included that are in no KPI of their own: an answer about a merged ticket is still about it.
interactions as (
    select * from {{ ref('stg_raw__interactions') }}
),

tickets as (
    select * from {{ ref('int_tickets__current') }}
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

touches as (
    select * from {{ ref('int_surveys__company_touches') }}
),

run as (
    select * from {{ ref('stg_raw__as_of') }}
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

grouped_responses as (
    select
        *,
        {{ nps_group_points('nps_score') }} as nps_points
    from dated_responses
),

judged_responses as (
    select
        *,
        {{ microseconds('response_at') }} as response_us,
        case survey_type
            when 'nps' then nps_points = -1
            when 'csat' then {{ is_csat_unhappy('score_place') }}
            when 'ces' then {{ is_ces_hard('score_place') }}
        end as is_unhappy
    from grouped_responses
),

-- Time is in whole microseconds, so that a window can begin right after an answer.
moments as (
    select distinct
        customer_id,
        response_us as moment_us,
        cast(null as bigint) as touch_us
    from judged_responses
    where is_unhappy and customer_id is not null

    union all

    select
        customer_id,
        {{ microseconds('touched_at') }} as moment_us,
        {{ microseconds('touched_at') }} as touch_us
    from touches
    -- Many more customers are touched than are unhappy.
    where customer_id in (
        select judged_responses.customer_id from judged_responses
        where judged_responses.is_unhappy
    )
),

touched_moments as (
    select
        customer_id,
        moment_us,
        touch_us,
        min(touch_us) over (
            partition by customer_id order by moment_us nulls first
            range between 1 following and unbounded following
        ) as next_touch_us
    from moments
),

followed_moments as (
    select
        customer_id,
        moment_us,
        next_touch_us
    from touched_moments
    where touch_us is null
),

-- Answers of one instant follow none of each other; the first of them speaks for all.
nps_moments as (
    select
        customer_id,
        response_at,
        nps_points = -1 as is_detractor,
        row_number() over (
            partition by customer_id, response_at
            order by response_id, survey_id nulls first, question_id nulls first
        ) as answer_number
    from judged_responses
    where nps_score is not null and customer_id is not null
),

next_nps_moments as (
    select
        customer_id,
        response_at,
        lead(response_at) over (partition by customer_id order by response_at) as next_response_at,
        lead(is_detractor) over (partition by customer_id order by response_at) as is_next_detractor
    from nps_moments
    where answer_number = 1
),

-- What an answer does not say of itself is what its subject says.
described_responses as (
    select
        judged_responses.*,
        coalesce(
            judged_responses.channel, interactions.channel, tickets.channel, orders.channel, shipments.channel
        )
            as experience_channel,
        interactions.handled_by,
        coalesce(interactions.topic, tickets.topic, articles.topic) as topic,
        coalesce(interactions.agent_id, tickets.assignee_id, orders.agent_id) as agent_id,
        tickets.team as subject_team,
        coalesce(
            judged_responses.product_id, interactions.product_id, tickets.product_id, articles.product_id,
            case when judged_responses.subject_type = 'product' then judged_responses.subject_id end
        ) as known_product_id
    from judged_responses
    -- Whatever else stands in a left join's condition keeps it from being a hash join.
    left join interactions
        on case when judged_responses.subject_type = 'interaction' then judged_responses.subject_id end
            = interactions.interaction_id
    left join tickets
        on case when judged_responses.subject_type = 'ticket' then judged_responses.subject_id end
            = tickets.ticket_id
    left join orders
        on case when judged_responses.subject_type = 'order' then judged_responses.subject_id end
            = orders.order_id
    left join shipments
        on case when judged_responses.subject_type = 'shipment' then judged_responses.subject_id end
            = shipments.shipment_id
    left join articles
        on case when judged_responses.subject_type = 'article' then judged_responses.subject_id end
            = articles.article_id
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
    described_responses.started_at,
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
    described_responses.is_complete,
    described_responses.score,
    described_responses.scale_low as scale_min,
    described_responses.scale_high as scale_max,
    described_responses.score_place,
    described_responses.nps_score,

    -- KPI flags and measures: null keeps a row out of the KPI
    described_responses.nps_points,
    described_responses.nps_points = 1 as is_promoter,
    described_responses.nps_points = 0 as is_passive,
    described_responses.nps_points = -1 as is_detractor,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'overall' then
            {{ is_csat_satisfied('described_responses.score_place') }}
    end as is_satisfied,
    case when described_responses.survey_type = 'csat' and described_responses.known_aspect = 'overall' then
            {{ is_csat_dissatisfied('described_responses.score_place') }}
    end as is_dissatisfied,
    case when described_responses.survey_type = 'csat' then
            {{ is_csat_satisfied('described_responses.score_place') }}
    end as is_satisfied_with_aspect,
    case when
            described_responses.survey_type = 'csat' and described_responses.known_aspect = 'friendliness'
            then
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
    end as is_easy,
    described_responses.is_unhappy,
    case
        when described_responses.is_unhappy and described_responses.customer_id is not null
            and described_responses.response_at
            + {{ var('detractor_follow_up_hours') }} * interval '1' hour <= run.as_of
            then coalesce(
                    followed_moments.next_touch_us - followed_moments.moment_us
                    <= {{ var('detractor_follow_up_hours') }} * 3600000000, false
                )
    end as is_followed_up,
    case
        when described_responses.nps_points = -1
            and next_nps_moments.next_response_at
            <= described_responses.response_at + {{ recovery_days() }} * interval '1' day
            then not next_nps_moments.is_next_detractor
    end as is_recovered
from described_responses
cross join run
left join followed_moments
    on described_responses.customer_id = followed_moments.customer_id
        and described_responses.response_us = followed_moments.moment_us
left join next_nps_moments
    on described_responses.customer_id = next_nps_moments.customer_id
        and described_responses.response_at = next_nps_moments.response_at
left join agents on described_responses.agent_id = agents.agent_id
left join customers on described_responses.customer_id = customers.customer_id
