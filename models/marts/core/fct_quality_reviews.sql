-- grain: one row per review_id and criterion, reviews of test calls, excluded tickets and spam left out
with

reviews as (
    select
        *,
        coalesce(scale_min, 0) as scale_low,
        coalesce(scale_max, 100) as scale_high
    from {{ ref('stg_raw__quality_reviews') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

-- As landed: a review of a merged ticket, which is in no KPI of its own, still judges what was done.
interactions as (
    select
        interactions.interaction_id,
        interactions.channel,
        interactions.agent_id,
        interactions.is_excluded is not true as is_genuine,
        agents.team
    from {{ ref('stg_raw__interactions') }} as interactions
    left join agents on interactions.agent_id = agents.agent_id
),

-- Assignee and team as the ticket's history has them.
tickets as (
    select
        tickets.ticket_id,
        tickets.channel,
        tickets.assignee_id,
        tickets.is_genuine,
        coalesce(tickets.team, agents.team) as team
    from {{ ref('int_tickets__current') }} as tickets
    left join agents on tickets.assignee_id = agents.agent_id
),

-- What a review does not say of itself is what its subject says.
described_reviews as (
    select
        reviews.*,
        coalesce(reviews.agent_id, interactions.agent_id, tickets.assignee_id) as known_agent_id,
        coalesce(interactions.team, tickets.team) as subject_team,
        coalesce(interactions.channel, tickets.channel) as channel
    from reviews
    left join interactions on reviews.interaction_id = interactions.interaction_id
    left join tickets on reviews.ticket_id = tickets.ticket_id
    -- Whatever is not in the data is not known to be excluded.
    where interactions.is_genuine is not false and tickets.is_genuine is not false
)

select
    described_reviews.review_id,
    described_reviews.criterion,
    described_reviews.interaction_id,
    described_reviews.ticket_id,
    described_reviews.known_agent_id as agent_id,
    described_reviews.reviewer_id,
    coalesce(reviewed_agents.team, described_reviews.subject_team) as team,
    described_reviews.channel,
    described_reviews.scored_at,
    {{ reporting_date('described_reviews.scored_at') }} as scored_date,
    described_reviews.score,
    described_reviews.scale_low as scale_min,
    described_reviews.scale_high as scale_max,
    -- A score off its scale says nothing.
    case
        when described_reviews.score between described_reviews.scale_low and described_reviews.scale_high
            then (described_reviews.score - described_reviews.scale_low)
                / nullif(described_reviews.scale_high - described_reviews.scale_low, 0)
    end as quality_score
from described_reviews
-- The team follows the agent whom the review names, who need not be the one who took the contact last.
left join agents as reviewed_agents on described_reviews.agent_id = reviewed_agents.agent_id
