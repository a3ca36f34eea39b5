-- grain: one row per page_path, form_factor, audited_at
{{ accepted_rows('page_audits') }}
