-- grain: one row per event_id
{{ accepted_rows('cart_events') }}
