-- grain: one row per ticket_id
{{ accepted_rows('tickets') }}
