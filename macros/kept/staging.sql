{#-
    Which rows of a staging view a change of a table behind it touches, as statements that select `keys`; none where that
    is not known. See `accepted_rows`: a row's own version, whether its customer is erased, and which of its times are
    known at as_of make a row of the view.
-#}
{% macro touching_rows(view, table, keys) %}
    {%- set raw_table = view.alias | replace('stg_raw__', '') -%}
    {%- set contract = raw_contract().get(raw_table, {}) -%}
    {%- set select_keys = 'select ' ~ keys ~ ' from ' -%}
    {%- set base = api.Relation.create(database=this.database, schema=view.schema, identifier='base_raw__' ~ raw_table) -%}
    {%- if table.alias == base.identifier -%}
        {{ return([select_keys ~ changes(table.alias)]) }}
    {%- elif contract and table.alias == 'stg_raw__erased_customers' -%}
        {{ return([select_keys ~ base ~ ' where customer_id in (select customer_id from ' ~ changes(table.alias) ~ ')']) }}
    {%- elif contract and table.alias == 'stg_raw__as_of' -%}
        {%- set late = [] -%}
        {%- for column, type in contract.columns.items() if type == 'timestamp' and column != contract.own_time and column not in times_ahead() -%}
            {%- do late.append(column ~ ' > (select min(as_of) from ' ~ changes(table.alias) ~ ')') -%}
        {%- endfor -%}
        {{ return([select_keys ~ base ~ ' where ' ~ (late | join(' or ') or 'false')]) }}
    {%- endif -%}
    {{ return([]) }}
{% endmacro %}
