{#-
    Tests of uniqueness look at the keys that a run touched: where a table passed at the version before, two rows of one
    key have at least one that is new. `kept.nodes` has the versions of the inputs at which a test passed last. That is
    for `dbt build`; `dbt test` looks at all rows, always.
-#}

{#- As dbt's own, but for the mark. -#}
{% test unique(model, column_name) %}
select
    {{ column_name }} as unique_field,
    count(*) as n_records
from {{ touched_rows(model, column_name) }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{% endtest %}

{#- No two rows share all of `columns`; nulls are values like any other, as in the raw contract's keys. -#}
{% test unique_together(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ touched_rows(model, columns) }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% macro duckdb__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {%- if flags.WHICH == 'build' and modules.re.search(import_pattern(), main_sql) -%}
        {%- set keys = touched_since_passed() -%}
        {%- if keys is not none -%}
            {%- set main_sql = modules.re.sub(import_pattern(), keys, main_sql) -%}
        {%- endif -%}
    {%- endif -%}
    {{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}

{#- What a marked relation is replaced by: its rows of keys touched since the test passed last; none where that is not known.
    A key with a null in it is in no list of keys, so such rows are always looked at. -#}
{% macro touched_since_passed() %}
    {%- set id = model.depends_on.nodes[0] -%}
    {%- set known = kept_versions(tables_behind(id)) -%}
    {%- set inputs = input_versions(tables_behind(id), known) -%}
    {%- set passed = known.nodes.get(model.unique_id, {}) -%}
    {%- set relation, name, keys = modules.re.findall(import_pattern(), compiled_code)[0] -%}
    {%- if should_full_refresh() or passed.definition != local_md5(compiled_code) or none in inputs.values()
        or name != graph.nodes[id].alias
        or (is_view(id) and not are_raw_columns(keys.split(', '), name | replace('stg_raw__', ''))) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set late = late_inputs(inputs, passed.inputs) -%}
    {%- set touches = touching_statements({id: tables_behind(id)}, late, passed.inputs, inputs) -%}
    {%- if touches is none -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(
        '(select * from \\1 where ' ~ keys | replace(', ', ' is null or ') ~ ' is null'
        ~ (' or (\\3) in (' ~ touches | join(' union all ') ~ ')' if touches else '') ~ ') as touched_rows'
    ) }}
{% endmacro %}

{#- Whether base has the columns of a staging view, so that its changes say which keys are touched. -#}
{% macro are_raw_columns(columns, raw_table) %}
    {%- set known = raw_contract().get(raw_table, {}).get('columns', {}) -%}
    {%- for column in columns if column not in known -%}{{ return(false) }}{%- endfor -%}
    {{ return(true) }}
{% endmacro %}

{#- At the end of a run: the tests that passed, and at which versions. -#}
{% macro note_passed_tests(results) %}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set passed = [] -%}
        {%- set ids = [] -%}
        {%- for result in results
            if result.node.resource_type == 'test' and result.status == 'pass'
            and modules.re.search(import_pattern(), result.node.compiled_code or '') -%}
            {%- do passed.append(result.node) -%}
            {%- do ids.extend(tables_behind(result.node.depends_on.nodes[0])) -%}
        {%- endfor -%}
        {%- if passed -%}
            {%- set known = kept_versions(ids | unique | list) -%}
            {%- set rows = [] -%}
            {%- set names = [] -%}
            {%- for test in passed -%}
                {%- do names.append(test.unique_id) -%}
                {%- do rows.append('(' ~ [
                    sql_text(test.unique_id),
                    sql_text(local_md5(test.compiled_code)),
                    sql_text(tojson(input_versions(tables_behind(test.depends_on.nodes[0]), known))),
                ] | join(', ') ~ ')') -%}
            {%- endfor -%}
            delete from kept.nodes where name in {{ sql_text_list(names) }};
            insert into kept.nodes (name, definition, inputs) values {{ rows | join(', ') }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
