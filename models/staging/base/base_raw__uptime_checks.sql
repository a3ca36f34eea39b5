-- grain: one row per landed row of uptime_checks, with what became of it
{{ judged_rows('uptime_checks') }}
