-- grain: one row per landed row of service_holidays, with what became of it
{{ judged_rows('service_holidays') }}
