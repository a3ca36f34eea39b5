-- grain: one row per landed row of service_hours, with what became of it
{{ judged_rows('service_hours') }}
