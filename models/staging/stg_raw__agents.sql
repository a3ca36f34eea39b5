-- grain: one row per agent_id
{{ accepted_rows('agents') }}
