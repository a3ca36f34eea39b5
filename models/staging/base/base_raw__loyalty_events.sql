-- grain: one row per landed row of loyalty_events, with what became of it
{{ judged_rows('loyalty_events') }}
