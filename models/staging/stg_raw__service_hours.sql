-- grain: one row per schedule_id, channel, weekday, opens_at, valid_from
{{ accepted_rows('service_hours') }}
