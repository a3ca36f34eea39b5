-- grain: one row per landed row of knowledge_articles, with what became of it
{{ judged_rows('knowledge_articles') }}
