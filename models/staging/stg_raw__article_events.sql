-- grain: one row per event_id
{{ accepted_rows('article_events') }}
