{{ config(unique_key=['part_grain', 'part_date']) }}
-- grain: one row per KPI, part_date, dimension and member that fct_web_leads feeds
{{ kpi_parts('fct_web_leads') }}  -- noqa: PRS
