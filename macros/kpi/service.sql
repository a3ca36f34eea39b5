{#- Business predicates and thresholds of service KPIs. -#}

{#- The two states in which a case is solved; solved to closed is no new solve. -#}
{% macro solved_statuses() -%}
    ('solved', 'closed')
{%- endmacro %}

{#- States a status event can change a ticket into; other codes change nothing. -#}
{% macro known_statuses() -%}
    ('new', 'open', 'pending', 'on_hold', 'solved', 'closed')
{%- endmacro %}

{#- A number set per channel (a dict var); `other` where the channel has none. -#}
{% macro per_channel(channel, numbers, other) -%}
    {%- if numbers %}
    case {{ channel }}
        {%- for name, number in numbers.items() %}
        when {{ sql_text(name) }} then {{ number }}
        {%- endfor %}
        else {{ other }}
    end
    {%- else %}
    {{ other }}
    {%- endif %}
{%- endmacro %}

{#- Minutes in which a first response keeps its target: a day where the channel has none of its own. -#}
{% macro first_response_target(channel) -%}
    {{ per_channel(channel, var('first_response_target_minutes'), 1440) }}
{%- endmacro %}

{% macro repeat_contact_window() -%}
    {{ var('repeat_contact_window_days') * 24 }} * interval '1' hour
{%- endmacro %}

{#- A contact was automated when no agent was needed for so long after it. -#}
{% macro automation_hours() -%}
    24
{%- endmacro %}

{% macro automation_window() -%}
    {{ automation_hours() }} * interval '1' hour
{%- endmacro %}

{#- A null handled_by is an agent, unless the row's agent is known to be a bot. -#}
{% macro is_by_agent(handled_by, agent_is_bot) -%}
    ({{ handled_by }} = 'agent' or ({{ handled_by }} is null and {{ agent_is_bot }} is not true))
{%- endmacro %}

{#- A null outcome is derived from the times. -#}
{% macro derived_outcome(outcome, answered_at, enqueued_at) -%}
    case
        when {{ outcome }} is not null then {{ outcome }}
        when {{ answered_at }} is not null then 'answered'
        when {{ enqueued_at }} is not null then 'abandoned_in_queue'
    end
{%- endmacro %}

{#- Queueing time as recorded, else from the times. Nobody leaves a queue before entering it: such times say nothing. -#}
{% macro measured_waiting_seconds(outcome, queue_seconds, enqueued_at, answered_at, ended_at) -%}
    coalesce(
        {{ queue_seconds }},
        case when {{ outcome }} = 'abandoned_in_queue'
            then {{ seconds_in_order(enqueued_at, ended_at) }}
            else {{ seconds_in_order(enqueued_at, answered_at) }}
        end
    )
{%- endmacro %}

{#- An answered contact without a measured wait never queued. -#}
{% macro waiting_seconds(outcome, queue_seconds, enqueued_at, answered_at, ended_at) -%}
    {%- set measured = measured_waiting_seconds(outcome, queue_seconds, enqueued_at, answered_at, ended_at) -%}
    case {{ outcome }}
        when 'answered' then coalesce({{ measured }}, 0)
        when 'abandoned_in_queue' then {{ measured }}
    end
{%- endmacro %}
