-- grain: one row per landed row of agent_status_events, with what became of it
{{ judged_rows('agent_status_events') }}
