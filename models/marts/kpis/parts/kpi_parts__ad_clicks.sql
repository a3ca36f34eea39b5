{{ config(unique_key=['part_grain', 'part_date']) }}
-- grain: one row per KPI, part_date, dimension and member that fct_ad_clicks feeds
{{ kpi_parts('fct_ad_clicks') }}  -- noqa: PRS
