-- grain: one row per schedule_id, holiday_date
{{ accepted_rows('service_holidays') }}
