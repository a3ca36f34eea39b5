-- grain: one row per landed row of returns, with what became of it
{{ judged_rows('returns') }}
