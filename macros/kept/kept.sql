{#-
    `kept`: a table that stays from one run to the next, and is worked on only where its inputs changed.

      nothing changed  the table is left alone
      by key           where the model has a `unique_key` (which need not be unique: a session's rows have the session's
                       key) and says how changes touch it (macros/kept/imports.sql): rows of touched keys are computed
                       from the touched rows of its inputs, and replaced; base goes by files (macros/kept/base.sql)
      whole            everything else, and every time the table is new, its SQL or documentation is, the engine is, or
                       with --full-refresh

    `kept.nodes` has a version per table, which grows when rows change, and the versions of the inputs it was made from;
    of a view it has a digest of its SQL, and of a test of uniqueness the versions at which it passed (see there).
    `changes.<table>` has the rows of the last step from one version to the next, those before and those after, each once,
    without what is the same in both. A table that is more than a step behind an input is made as a whole, so it does not
    matter which models a run is asked for, or where it stops: a table, its changes and its versions are one transaction.
-#}
{% materialization kept, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ drop_relation_if_exists(load_cached_relation(make_intermediate_relation(target_relation))) }}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set judged = judged_table() -%}
    {%- set plan = base_plan(judged, existing) if judged else kept_plan(existing) -%}
    {%- if plan.way == 'by key' -%}
        {%- set step = judge_again(judged, target_relation) if judged else replace_touched(target_relation, plan) -%}
        {%- if step is none -%}{%- do plan.update({'way': 'whole'}) -%}{%- endif -%}
    {%- endif -%}
    {%- if plan.way == 'whole' -%}
        {#- Here, and in no macro: dbt runs no Python elsewhere. -#}
        {% call statement('main', language=model.language) -%}
            {{ create_table_as(false, make_intermediate_relation(target_relation), compiled_code, model.language) }}
        {%- endcall %}
        {%- set step = replace_whole(target_relation, existing, plan) -%}
    {%- elif plan.way == 'nothing' -%}
        {%- set step = 0 -%}
        {% call noop_statement('main', 'KEPT', 'KEPT', 0) %}{% endcall %}
    {%- endif -%}
    {%- if plan.way != 'nothing' -%}
        {%- if judged -%}{%- do note_files(judged) -%}{%- endif -%}
        {%- do note_version(plan, step) -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro prepare_kept_tables() %}
    {% if execute and flags.WHICH in ('build', 'run') %}
        {% do run_query('create schema if not exists kept') %}
        {% do run_query('create schema if not exists changes') %}
        {% do run_query(
            'create table if not exists kept.nodes'
            ~ ' (name varchar, definition varchar, inputs varchar, version bigint, unique_key varchar)'
        ) %}
        {#- Versions count for one database: what was taken over from it must not be compared with another's. #}
        {% do run_query('create table if not exists kept.database as select uuid() as id') %}
    {% endif %}
{% endmacro %}

{#- How a model is to be made: `way`, its `definition`, its `version` (none for a new table), the versions of its `inputs`,
    and for work by key which of them are `late`, and the statements `touches` that select touched keys. -#}
{% macro kept_plan(existing) %}
    {%- set direct = {} -%}
    {%- for id in model.depends_on.nodes -%}{%- do direct.update({id: tables_behind(id)}) -%}{%- endfor -%}
    {%- set known = kept_versions(direct.values() | sum(start=[])) -%}
    {%- set definition = local_md5(
        compiled_code ~ tojson(model.columns) ~ model.description ~ tojson(unique_keys()) ~ known.engine
        ~ (run_query('select project_version()').rows[0][0] if model.language == 'python' else '')
    ) -%}
    {%- set inputs = input_versions(direct.values() | sum(start=[]), known) -%}
    {%- set mine = known.nodes.get(model.unique_id, {}) -%}
    {%- set plan = {
        'way': 'whole', 'definition': definition, 'inputs': inputs, 'late': [], 'touches': [],
        'version': mine.version if mine and existing is not none and not should_full_refresh() else none,
        'last_version': mine.version or 0,
    } -%}
    {%- if plan.version is none or mine.definition != definition or none in inputs.values() -%}
        {{ return(plan) }}
    {%- endif -%}
    {%- set late = late_inputs(inputs, mine.inputs) -%}
    {%- if not late -%}
        {%- do plan.update({'way': 'nothing'}) -%}
    {%- elif unique_keys() -%}
        {%- set touches = touching_statements(direct, late, mine.inputs, inputs) -%}
        {%- if touches is not none -%}
            {%- do plan.update({'way': 'by key', 'touches': touches, 'late': late}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(plan) }}
{% endmacro %}

{#- The tables, seeds and sources that a model or source reads, looked for behind views; views are among them. -#}
{% macro tables_behind(id) %}
    {%- set found = [id] -%}
    {%- if is_view(id) -%}
        {%- for parent in graph.nodes[id].depends_on.nodes -%}{%- do found.extend(tables_behind(parent)) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}

{% macro is_view(id) %}
    {{ return(id in graph.nodes and graph.nodes[id].config.materialized == 'view') }}
{% endmacro %}

{#- What is known of this node and of those that `ids` name. One statement: this is asked for each node of a run. -#}
{% macro kept_versions(ids) %}
    {%- set found = {'nodes': {}} -%}
    {%- for row in run_query(
        'select engine.*, nodes.name, nodes.definition, nodes.inputs, nodes.version from (select version()) as engine'
        ~ ' left join kept.nodes as nodes on nodes.name in ' ~ sql_text_list(ids + [model.unique_id])
    ).rows -%}
        {%- do found.update({'engine': row[0]}) -%}
        {%- if row[1] -%}
            {%- do found.nodes.update({row[1]: {
                'definition': row[2], 'inputs': fromjson(row[3]), 'version': none if row[4] is none else row[4] | int,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{% macro input_versions(ids, known) %}
    {%- set inputs = {} -%}
    {%- for id in ids -%}{%- do inputs.update({id: input_version(id, known)}) -%}{%- endfor -%}
    {{ return(inputs) }}
{% endmacro %}

{#- The inputs that are of another version than was seen last. -#}
{% macro late_inputs(inputs, seen) %}
    {%- set late = [] -%}
    {%- for id, version in inputs.items() if seen.get(id) != version -%}{%- do late.append(id) -%}{%- endfor -%}
    {{ return(late) }}
{% endmacro %}

{#- The version of what a model reads: a number for a kept table, a digest of a view's SQL or a seed's rows; none where it is
    not known. -#}
{% macro input_version(id, known) %}
    {%- set node = graph.nodes.get(id) -%}
    {%- if node is none -%}
        {{ return(none) }}
    {%- elif node.resource_type == 'seed' -%}
        {{ return(run_query(
            "select md5(coalesce(string_agg(cast(seed as varchar), chr(10) order by cast(seed as varchar)), '')) from "
            ~ api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) ~ " as seed"
        ).rows[0][0]) }}
    {%- endif -%}
    {{ return(known.nodes.get(id, {}).get('definition' if is_view(id) else 'version')) }}
{% endmacro %}

{#- Statements that select the touched keys; none where a change touches the model as a whole. -#}
{% macro touching_statements(direct, late, seen, inputs) %}
    {%- set statements = [] -%}
    {%- set unmarked = modules.re.sub(import_pattern(), '', modules.re.sub('/\\* touched (when|together) .*? \\*/', '', compiled_code)) -%}
    {%- for id, tables in direct.items() -%}
        {%- for table in tables if table in late -%}
            {%- set node = graph.nodes[table] -%}
            {%- if node.resource_type == 'seed' or is_view(table) or inputs[table] != seen.get(table, -1) + 1 -%}
                {{ return(none) }}
            {%- endif -%}
            {%- set import = graph.nodes[id] -%}
            {%- set mine = [] -%}
            {%- for relation, name, keys in modules.re.findall(import_pattern(), compiled_code) if name == import.alias -%}
                {%- if id == table -%}
                    {%- do mine.append('select ' ~ keys ~ ' from ' ~ changes(name)) -%}
                {%- else -%}
                    {%- do mine.extend(touching_rows(import, node, keys)) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- for name, sql in modules.re.findall('/\\* touched when (\\w+) changes: (.*?) \\*/', compiled_code) if name == node.alias -%}
                {%- do mine.append(sql) -%}
            {%- endfor -%}
            {%- set is_whole = ('"' ~ import.alias ~ '"') in unmarked -%}
            {%- set is_told = modules.re.search('/\\* touched when ' ~ node.alias ~ ' changes: ', compiled_code) -%}
            {%- if not mine or (is_whole and not is_told) -%}
                {{ return(none) }}
            {%- endif -%}
            {%- do statements.extend(mine) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(statements | unique | list) }}
{% endmacro %}

{% macro import_pattern() -%}
    {{ return('((?:"[^"]+"\\."[^"]+"\\.)?"?(\\w+)"?) /\\* touched by (.*?) \\*/') }}
{%- endmacro %}

{#- Compute the rows of touched keys and put them in the place of those before. Gives by how many versions the table has
    moved on: 0 where all rows are as they were, none where so much is touched that making it as a whole is cheaper. -#}
{% macro replace_touched(relation, plan) %}
    {%- set keys = unique_keys() | join(', ') -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='quoted') | join(', ') -%}
    {%- set of_touched_keys = '(' ~ keys ~ ') in (select ' ~ keys ~ ' from touched_keys)' -%}
    {% call statement('touched_keys') -%}
        create or replace temp table touched_keys as
        select distinct {{ keys }} from ({{ plan.touches | join(' union all ') }}) as touched ({{ keys }})
        {#- A rejected row may have no key; a null among them would hide every key from `not in`. #}
        where {{ unique_keys() | join(' is not null and ') }} is not null
    {%- endcall %}
    {%- do touch_together(plan.late) -%}
    {% call statement('rows_before') -%}
        create or replace temp table rows_before as select {{ columns }} from {{ relation }} where {{ of_touched_keys }}
    {%- endcall %}
    {%- if is_cheaper_as_a_whole(relation) -%}
        {{ return(none) }}
    {%- endif -%}
    {% call statement('rows_after') -%}
        create or replace temp table rows_after as select {{ columns }} from ({{ modules.re.sub(
            import_pattern(),
            '(select * from \\1 where (\\3) in (select ' ~ keys ~ ' from touched_keys))',
            compiled_code,
        ) }}
        ) as all_rows  {#- on a line of its own: a model may end with a comment #}
        where {{ of_touched_keys }}
    {%- endcall %}
    {%- set changed = note_changes(relation, 'rows_before', 'rows_after', columns) -%}
    {%- set of_changed_keys = '(' ~ keys ~ ') in (select ' ~ keys ~ ' from ' ~ changes(relation.identifier) ~ ')' -%}
    {% call statement('main') -%}
        {%- if changed %}
        delete from {{ relation }} where {{ of_changed_keys }};
        insert into {{ relation }} ({{ columns }}) select {{ columns }} from rows_after where {{ of_changed_keys }};
        {%- endif %}
        drop table touched_keys;
        drop table rows_before;
        drop table rows_after
    {%- endcall %}
    {{ return(1 if changed else 0) }}
{% endmacro %}

{#- Of how many rows a table is sooner made as a whole than replaced in part, and whatever reads it with it: a half. Of base,
    which is compared row by row and read from files otherwise, a fifth. -#}
{% macro most_to_replace(relation, parts=2) -%}
    greatest(20000, (select count(*) from {{ relation }}) / {{ parts }})
{%- endmacro %}

{#- Whether the touched rows are so many that all are made in the time. -#}
{% macro is_cheaper_as_a_whole(relation, parts=2) %}
    {%- set is_cheaper = run_query(
        'select count(*) > ' ~ most_to_replace(relation, parts) ~ ' from rows_before'
    ).rows[0][0] -%}
    {%- if is_cheaper -%}
        {%- do run_query('drop table rows_before') -%}
    {%- endif -%}
    {{ return(is_cheaper) }}
{% endmacro %}

{#- Add the keys that share a value with touched ones, or did before. -#}
{% macro touch_together(late) %}
    {%- for changed, column, relation, key, condition in modules.re.findall(
        '/\\* touched together in (\\w+) by (\\w+): (\\S+) (\\w+) where (.*?) \\*/', compiled_code
    ) -%}
        {%- set rows = '(select * from ' ~ relation ~ ' where ' ~ condition ~ ')' -%}
        {%- set is_late = ('model.' ~ project_name ~ '.' ~ changed) in late -%}
        {%- set before = 'select ' ~ column ~ ' from ' ~ changes(changed) ~ ' where ' ~ condition -%}
        {%- do touch_sharing(rows, column, key, 'touched_keys', before if is_late else none) -%}
    {%- endfor -%}
{% endmacro %}

{#- One round: the keys that share a value with the latest ones, or have one of `values`; then those that share one with these. -#}
{% macro touch_sharing(rows, column, key, latest, values=none) %}
    {%- set mine = unique_keys()[0] -%}
    {% call statement('sharing_keys') -%}
        create or replace temp table sharing_keys as
        select distinct {{ key }} as {{ mine }} from {{ rows }}
        where
            {{ key }} not in (select {{ mine }} from touched_keys)
            and {{ column }} in (
                select {{ column }} from {{ rows }} where {{ key }} in (select {{ mine }} from {{ latest }})
                {{ 'union all ' ~ values if values }}
            )
    {%- endcall %}
    {%- if run_query('select count(*) from sharing_keys').rows[0][0] -%}
        {% call statement('latest_keys') -%}
            insert into touched_keys select {{ mine }} from sharing_keys;
            create or replace temp table latest_keys as select {{ mine }} from sharing_keys
        {%- endcall %}
        {%- do touch_sharing(rows, column, key, 'latest_keys') -%}
    {%- endif -%}
{% endmacro %}

{#- Write down which rows differ between two relations, and give how many do. -#}
{% macro note_changes(relation, before, after, columns) %}
    {%- set changed = changes(relation.identifier) -%}
    {% call statement('changes') -%}
        create or replace temp table rows_changed as {{ different_rows(before, after, columns) }}
    {%- endcall %}
    {%- set count = run_query('select count(*) from rows_changed').rows[0][0] -%}
    {% call statement('noted_changes') -%}
        {%- if count %}
        create or replace table {{ changed }} as select * from rows_changed;
        {%- endif %}
        drop table rows_changed
    {%- endcall %}
    {{ return(count) }}
{% endmacro %}

{#- The rows, each once, that one relation has more often than the other: nulls are equal here. One pass of grouping takes a
    fifth of the time of two `except all`. -#}
{% macro different_rows(before, after, columns) -%}
    select {{ columns }} from (
        select {{ columns }}, 1 as surplus from {{ before }}
        union all
        select {{ columns }}, -1 as surplus from {{ after }}
    ) as both_sides
    group by {{ columns }}
    having sum(surplus) <> 0
{%- endmacro %}

{#- Put the table that was made as a whole in the place of the one before. Where models kept by key or of Python read it,
    and of Python's own, what has changed is found by comparing: the first need the rows, and to run the second is dearer. -#}
{% macro replace_whole(relation, existing, plan) %}
    {%- set draft = make_intermediate_relation(relation) -%}
    {%- set step = 2 -%}
    {#- Nobody is asked for in a first build: to look through the graph takes a while. -#}
    {%- set readers = kept_readers() if plan.version is not none and not unique_keys() else [] -%}
    {%- set is_read_by_key = readers | selectattr('config.unique_key') | list -%}
    {%- if plan.version is not none and not unique_keys()
        and (is_read_by_key or 'python' in [model.language] + readers | map(attribute='language') | list) -%}
        {%- set columns = adapter.get_columns_in_relation(draft) -%}
        {%- set old_columns = adapter.get_columns_in_relation(existing) -%}
        {%- if columns | map(attribute='name') | list == old_columns | map(attribute='name') | list
            and columns | map(attribute='data_type') | list == old_columns | map(attribute='data_type') | list -%}
            {%- set names = columns | map(attribute='quoted') | join(', ') -%}
            {%- if is_read_by_key -%}
                {%- set changed = note_changes(relation, existing, draft, names) -%}
                {%- set step = 1 if changed else 0 -%}
            {%- elif has_same_rows(existing, draft, names) -%}
                {%- set step = 0 -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- do adapter.rename_relation(draft, relation) -%}
    {%- do persist_docs(relation, model) -%}
    {{ return(step) }}
{% endmacro %}

{#- Kept models that read this one, or a view that does. -#}
{% macro kept_readers(id=model.unique_id) %}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and id in node.depends_on.nodes -%}
        {%- if node.config.materialized == 'kept' -%}
            {%- do found.append(node) -%}
        {%- elif node.config.materialized == 'view' -%}
            {%- do found.extend(kept_readers(node.unique_id)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- Counts are known without reading a row, and tell most tables apart. -#}
{% macro has_same_rows(before, after, columns) %}
    {%- set counts = 'select (select count(*) from ' ~ before ~ ') = (select count(*) from ' ~ after ~ ')' -%}
    {%- set differences = 'select exists (' ~ different_rows(before, after, columns) ~ ')' -%}
    {{ return(run_query(counts).rows[0][0] and not run_query(differences).rows[0][0]) }}
{% endmacro %}

{% macro note_version(plan, step) %}
    {% call statement('note_version') -%}
        {{ noted(plan.definition, plan.inputs, plan.last_version + step) }}
    {%- endcall %}
{% endmacro %}

{#- Statements that put what this node is, and what it was made from, in the place of what was known of it. -#}
{% macro noted(definition, inputs={}, version='null') -%}
    delete from kept.nodes where name = {{ sql_text(model.unique_id) }};
    insert into kept.nodes values (
        {{ sql_text(model.unique_id) }}, {{ sql_text(definition) }}, {{ sql_text(tojson(inputs)) }},
        {{ version }}, {{ sql_text(tojson(unique_keys())) }}
    )
{%- endmacro %}

{#- As the adapter's own, with a note of what the view is: to ask the engine for it takes the longer the more views there are. -#}
{% macro duckdb__create_view_as(relation, sql) %}
    {{ dbt.duckdb__create_view_as(relation, sql) }}
    {{ noted(local_md5(sql)) }}
{% endmacro %}
