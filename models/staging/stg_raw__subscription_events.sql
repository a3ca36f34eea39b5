-- grain: one row per event_id
{{ accepted_rows('subscription_events') }}
