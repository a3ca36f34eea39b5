-- grain: one row per article_id
{{ accepted_rows('knowledge_articles') }}
