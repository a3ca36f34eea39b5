-- grain: one row per landed row of web_events, with what became of it
{{ judged_rows('web_events') }}
