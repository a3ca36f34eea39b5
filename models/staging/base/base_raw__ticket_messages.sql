-- grain: one row per landed row of ticket_messages, with what became of it
{{ judged_rows('ticket_messages') }}
