-- grain: one row per landed row of ticket_events, with what became of it
{{ judged_rows('ticket_events') }}
