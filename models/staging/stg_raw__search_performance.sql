-- grain: one row per report_date, site, page_path, query, country, device_type
{{ accepted_rows('search_performance') }}
