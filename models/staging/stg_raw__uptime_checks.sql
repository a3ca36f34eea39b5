-- grain: one row per monitor_id, checked_at
{{ accepted_rows('uptime_checks') }}
