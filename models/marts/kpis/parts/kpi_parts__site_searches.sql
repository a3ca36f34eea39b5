{{ config(unique_key=['part_grain', 'part_date']) }}
-- grain: one row per KPI, part_date, dimension and member that fct_site_searches feeds
{{ kpi_parts('fct_site_searches') }}  -- noqa: PRS
