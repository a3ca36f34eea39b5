-- grain: one row per leg that an agent answered, with the interaction that it all began with
{%- set doublings = 5 %}
with

interactions as (
    select * from {{ ref('stg_raw__interactions') }}
    where is_excluded is not true
),

parents as (
    select interaction_id from {{ ref('stg_raw__interactions') }}
),

agents as (
    select * from {{ ref('dim_agents') }}
),

legs as (
    select
        interactions.interaction_id,
        interactions.started_at,
        parents.interaction_id as ancestor_id,
        coalesce(
            {{ derived_outcome('interactions.outcome', 'interactions.answered_at', 'interactions.enqueued_at') }}
            = 'answered'
            and {{ is_by_agent('interactions.handled_by', 'agents.is_bot') }}, false
        ) as is_answered_by_agent
    from interactions
    inner join parents
        on interactions.parent_interaction_id = parents.interaction_id
            and interactions.interaction_id <> parents.interaction_id
    left join agents on interactions.agent_id = agents.agent_id
),

-- A call is handed on more than once: each step goes up as far again as all before it, 32 legs in all.
{%- for step in range(doublings) %}

climbed_{{ loop.index }} as (
    select
        below.interaction_id,
        below.started_at,
        below.is_answered_by_agent,
        coalesce(above.ancestor_id, below.ancestor_id) as ancestor_id
    from {{ 'legs' if loop.first else 'climbed_' ~ step }} as below
    left join {{ 'legs' if loop.first else 'climbed_' ~ step }} as above
        on below.ancestor_id = above.interaction_id
){{ ',' if not loop.last }}
{%- endfor %}

select
    interaction_id,
    ancestor_id as first_interaction_id,
    started_at
from climbed_{{ doublings }}
where is_answered_by_agent
