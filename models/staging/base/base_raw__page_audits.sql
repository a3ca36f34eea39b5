-- grain: one row per landed row of page_audits, with what became of it
{{ judged_rows('page_audits') }}
