-- grain: one row per event_id
{{ accepted_rows('ticket_events') }}
