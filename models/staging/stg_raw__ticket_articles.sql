-- grain: one row per ticket_id, article_id, link_type, linked_at
{{ accepted_rows('ticket_articles') }}
