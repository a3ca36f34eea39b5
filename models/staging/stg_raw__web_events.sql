-- grain: one row per event_id
{{ accepted_rows('web_events') }}
