-- grain: one row per landed row of ad_events, with what became of it
{{ judged_rows('ad_events') }}
