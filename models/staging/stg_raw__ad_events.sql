-- grain: one row per event_id
{{ accepted_rows('ad_events') }}
