{{ config(unique_key=['part_grain', 'part_date']) }}
-- grain: one row per KPI, part_date, dimension and member that fct_service_demand feeds
{{ kpi_parts('fct_service_demand') }}  -- noqa: PRS
