-- grain: one row per landed row of search_performance, with what became of it
{{ judged_rows('search_performance') }}
