-- grain: one row per period, dimension and member of the backlog
{%- set dimensions = kpi_dictionary()['backlog'].by %}
{{ stock_cells('backlog', ref('int_tickets__backlog_changes'), dimensions) }}  -- noqa: PRS
