-- grain: one row per landed row of article_events, with what became of it
{{ judged_rows('article_events') }}
