-- grain: one row per message_id
{{ accepted_rows('ticket_messages') }}
