{#-
    The KPI registry is written where the flags are: each fact's yml has `config.meta.kpis`, one entry per KPI it feeds.

      kind         share | mean | nps | count | sum | ratio | median | p75
      date         the fact's date column that puts a row in a period
      measure      share: a boolean column, true in the numerator, true or false in the denominator, null in neither
                   mean, median, p75: a numeric column, null in none of its parts; nps: 1, 0 or -1
                   count: a boolean or whole number; sum: an amount
      numerator,   in place of `measure`, two columns: of a ratio (a fact may hold only one of them; parts of several
      denominator  facts add up), or of a share that was counted before
      scale        factor on numerator / denominator (ratio only), 1 if not given
      by           the dimensions that this fact can say; all of the dictionary's if not given
      finest       month where the KPI has no meaning by day or week, all where it has none by any period (a forecast);
                   day if not given
      overall      false where the KPI has no overall row, or another fact says it
-#}

{#-
    Facts (and predictions) with additive parts: each has its kpi_parts__.
-#}
{% macro facts_with_parts() -%}
    {{ return([
        'ad_clicks',
        'ad_people',
        'agent_channel_days',
        'agent_days',
        'article_votes',
        'assisted_order_categories',
        'assisted_orders',
        'calls',
        'carts',
        'cases',
        'chat_hours',
        'checkouts',
        'cohort_months',
        'contacts',
        'cta_clicks',
        'cta_exposures',
        'customer_churn_predictions',
        'customer_value_predictions',
        'digital_touches',
        'interactions',
        'issues',
        'loyalty_events',
        'order_categories',
        'order_products',
        'ordering_customers',
        'orders',
        'page_speeds',
        'page_views',
        'quality_reviews',
        'returns',
        'reviews',
        'search_performance',
        'service_demand',
        'sessions',
        'shipments',
        'shipped_orders',
        'site_searches',
        'staffing_hours',
        'stock_days',
        'support_sessions',
        'survey_invitations',
        'survey_responses',
        'survey_submission_types',
        'survey_submissions',
        'uptime_hours',
        'web_leads',
    ]) }}
{%- endmacro %}

{#- Facts with medians or percentiles. -#}
{% macro facts_with_quantiles() -%}
    {{ return([
        'fct_cases',
        'fct_interactions',
        'fct_page_speeds',
        'fct_replies',
        'fct_returns',
        'fct_shipments',
        'fct_survey_invitations',
        'fct_survey_submissions',
    ]) }}
{%- endmacro %}

{#- Families of cells, each a model kpi_cells__<family>. -#}
{% macro cell_families() -%}
    {{ return([
        'additive',
        'quantiles',
        'backlog',
        'knowledge',
        'retention',
        'loyalty',
        'recurring_revenue',
        'survey_fatigue',
        'article_search_visibility',
        'mobile_score',
        'ad_visits',
        'channel_consistency',
        'digital_to_call',
    ]) }}
{%- endmacro %}

{#- The entries of one fact, each with its kpi_id, its dimensions and every default filled in. -#}
{% macro kpi_entries(fact) %}
    {%- set entries = [] -%}
    {%- if execute -%}
        {%- set registered = graph.nodes['model.' ~ project_name ~ '.' ~ fact].config.meta.get('kpis', {}) -%}
        {%- for kpi_id, entry in registered.items() -%}
            {%- do entries.append({
                'kpi_id': kpi_id,
                'fact': fact,
                'kind': entry.kind,
                'date': entry.date,
                'measure': entry.get('measure'),
                'numerator': entry.get('numerator'),
                'denominator': entry.get('denominator'),
                'scale': entry.get('scale', 1),
                'by': entry.get('by', kpi_dictionary()[kpi_id].by),
                'finest': entry.get('finest', 'day'),
                'overall': entry.get('overall', true),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(entries) }}
{% endmacro %}

{#- The entries of medians and percentiles, of all facts. -#}
{% macro quantile_entries() %}
    {%- set found = [] -%}
    {%- for fact in facts_with_quantiles() -%}
        {%- do ref(fact) -%}
        {%- for entry in kpi_entries(fact) if entry.kind in ('median', 'p75') -%}
            {%- if entry.finest == 'all' -%}
                {{ exceptions.raise_compiler_error(entry.kpi_id ~ ': a median or percentile is counted by month; `finest` cannot be all') }}
            {%- endif -%}
            {%- do found.append(entry) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- Every registered KPI with its kind and scale, from all facts. -#}
{% macro registered_kpis() %}
    {%- set found = {} -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for kpi_id, entry in node.config.get('meta', {}).get('kpis', {}).items() -%}
                {%- do found.update({kpi_id: {'kind': entry.kind, 'scale': entry.get('scale', 1)}}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}

{#- The column that holds a dimension; most are called the same. -#}
{% macro dimension_column(dimension) -%}
    {{ return({
        'agent': 'agent_id', 'article': 'article_id', 'author': 'author_id', 'campaign': 'campaign_id',
        'creative': 'creative_id', 'cta': 'cta_id', 'device': 'device_type', 'location': 'location_id',
        'monitor': 'monitor_id', 'page': 'page_path', 'product': 'product_id', 'program': 'program_id',
        'queue': 'queue_name', 'survey': 'survey_id',
    }.get(dimension, dimension)) }}
{%- endmacro %}

{#- A dimension's member as text; a null is '(none)'. A crossed dimension joins its members. -#}
{% macro dimension_member(dimension) -%}
    {%- for part in dimension.split(' x ') -%}
        coalesce(cast({{ dimension_column(part) }} as {{ dbt.type_string() }}), '(none)')
        {{- " || ' x ' || " if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#- Dimensions of many members come by month and wider only; by day they would outgrow the facts themselves. -#}
{% macro has_many_members(dimension) -%}
    {{ return(' x ' in dimension or dimension in [
        'agent', 'product', 'page', 'landing_page', 'exit_page', 'last_page', 'query', 'search_term',
        'last_search_term', 'article', 'author', 'cta', 'creative', 'location',
    ]) }}
{%- endmacro %}

{#- Those of some dimensions that come by month and wider only. -#}
{% macro of_many_members(dimensions) -%}
    {%- set found = [] -%}
    {%- for dimension in dimensions if has_many_members(dimension) -%}{%- do found.append(dimension) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Only ids of the dictionary; without its table, which is not there where only this one is asked for. -#}
{% test id_of_a_kpi(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in {{ sql_text_list(kpi_dictionary() | list) }}
{% endtest %}
