-- grain: one row per landed row of tickets, with what became of it
{{ judged_rows('tickets') }}
