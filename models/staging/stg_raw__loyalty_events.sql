-- grain: one row per event_id
{{ accepted_rows('loyalty_events') }}
