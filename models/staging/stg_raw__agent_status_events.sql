-- grain: one row per agent_id, channel, started_at
{{ accepted_rows('agent_status_events') }}
