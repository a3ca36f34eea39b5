-- grain: one row per landed row of ticket_articles, with what became of it
{{ judged_rows('ticket_articles') }}
