{#-
    How base tables are `kept`: judged as a whole once, and then only where something arrived.

    A verdict needs no more than the rows of one key, and base holds all of them as they were cleaned. So a run judges
    the keys again that have a row in a new or changed file (`raw.<table>__arrived`), had one from a file that is gone
    or was changed, or have a row that as_of has passed or left behind; old files are not read. `kept.files` says which
    files the table was built from, and is written with it in one transaction. For versions and changes see `kept`.
-#}

{#- The raw table that the model is base of; none of other models. -#}
{% macro judged_table() %}
    {{ return(model.name | replace('base_raw__', '') if model.name.startswith('base_raw__') else none) }}
{% endmacro %}

{#- How a base table is to be made: see `kept_plan`. -#}
{% macro base_plan(table, existing) %}
    {%- set known = kept_versions([]) -%}
    {%- set mine = known.nodes.get(model.unique_id, {}) -%}
    {%- set plan = {
        'way': 'whole', 'definition': local_md5(compiled_code ~ known.engine), 'inputs': {},
        'version': none, 'last_version': mine.version or 0,
    } -%}
    {%- if mine and existing is not none and not should_full_refresh() and mine.definition == plan.definition -%}
        {%- set news = run_query(
            "select"
            ~ " (select coalesce(sum(row_count), 0) > " ~ most_to_replace(this, parts=5) ~ " from (" ~ arrived_files(table) ~ ")),"
            ~ " exists (" ~ arrived_files(table) ~ ") or exists (" ~ gone_files(table) ~ ")"
            ~ " or exists (" ~ overtaken_rows(table, this, 1) ~ ")"
        ).rows[0] -%}
        {%- do plan.update({'way': 'nothing' if not news[1] else 'whole' if news[0] else 'by key'}) -%}
    {%- endif -%}
    {{ return(plan) }}
{% endmacro %}

{#- Files with rows that the table does not have, or has of another version. -#}
{% macro arrived_files(table) -%}
    select * from raw.files as found where raw_table = '{{ table }}' and file_version is not null and not exists (
        select 1 from kept.files as known
        where known.file_name = found.file_name and known.file_version = found.file_version
    )
{%- endmacro %}

{#- Files whose rows in the table are no longer there, or are those of another version. -#}
{% macro gone_files(table) -%}
    select file_name from kept.files as known where raw_table = '{{ table }}' and not exists (
        select 1 from raw.files as found
        where found.file_name = known.file_name and found.file_version = known.file_version
    )
{%- endmacro %}

{#- Rows whose time as_of has passed since they were judged, or has gone back behind. -#}
{% macro overtaken_rows(table, relation, columns) -%}
{%- set contract = raw_contract()[table] -%}
{%- if contract.own_time -%}
    {%- set as_of = '(select as_of from ' ~ ref('stg_raw__as_of') ~ ')' -%}
    select {{ columns }} from {{ relation }} where row_verdict = 'future' and {{ own_instant(contract) }} <= {{ as_of }}
    union all
    select {{ columns }} from {{ relation }}
    where row_verdict not in ('future', 'rejected') and {{ own_instant(contract) }} > {{ as_of }}
{%- else -%}
    select {{ columns }} from {{ relation }} where false
{%- endif -%}
{%- endmacro %}

{#- The problem of a row of base, as of now: a row that could not be read as a whole stays as it is. -#}
{% macro known_problem(table) -%}
{%- set contract = raw_contract()[table] -%}
case
    when row_verdict = 'rejected' then reject_reason
    {%- if contract.own_time %}
    when {{ own_instant(contract) }} > (select as_of from {{ ref('stg_raw__as_of') }}) then 'future'
    {%- endif %}
end
{%- endmacro %}

{#- Judge the touched keys again and put their rows in the place of those before. Gives by how many versions the table
    has moved on: 0 where all rows are as they were, none where so much is touched that judging the whole is cheaper. -#}
{% macro judge_again(table, relation) %}
    {%- set keys = raw_contract()[table].key -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='quoted') | join(', ') -%}
    {%- set cleaned = (raw_contract()[table].columns.keys() | list + ['_loaded_at', '_deleted', '_file', 'removed_values'])
        | join(', ') -%}
    {% call statement('rows_arrived') -%}
        create or replace temp table rows_arrived as {{ cleaned_rows(table, arrived(table)) }}
    {%- endcall %}
    {% call statement('touched_keys') -%}
        create or replace temp table touched_keys as
        select {{ keys | join(', ') }} from rows_arrived
        union
        select {{ keys | join(', ') }} from {{ relation }} where _file in ({{ gone_files(table) }})
        union
        ({{ overtaken_rows(table, relation, keys | join(', ')) }})
    {%- endcall %}
    {#- By place, so that only the keys are read of other rows. -#}
    {% call statement('rows_before') -%}
        create or replace temp table rows_before as
        select {{ columns }}, rowid as place from {{ relation }}
        where rowid in (
            select base.rowid from {{ relation }} as base where {{ has_key_in('touched_keys', 'base', keys) }}
        )
    {%- endcall %}
    {%- if is_cheaper_as_a_whole(relation, parts=5) -%}
        {{ return(none) }}
    {%- endif -%}
    {% call statement('rows_after') -%}
        create or replace temp table rows_after as
        with versions as (
            select *, {{ version_rank(table) }} as version_rank
            from (
                select {{ cleaned }}, row_problem from rows_arrived
                union all
                select {{ cleaned }}, {{ known_problem(table) }} as row_problem from rows_before
                where _file not in ({{ gone_files(table) }})
            ) as cleaned
        )

        {{ verdicts(table, 'versions') }}
    {%- endcall %}
    {%- set changed = note_changes(relation, 'rows_before', 'rows_after', columns) -%}
    {% call statement('main') -%}
        {%- if changed %}
        delete from {{ relation }} where rowid in (
            select place from rows_before where {{ has_key_in(changes(relation.identifier), 'rows_before', keys) }}
        );
        insert into {{ relation }} ({{ columns }})
        select {{ columns }} from rows_after where {{ has_key_in(changes(relation.identifier), 'rows_after', keys) }};
        {%- endif %}
        drop table rows_arrived;
        drop table touched_keys;
        drop table rows_before;
        drop table rows_after
    {%- endcall %}
    {{ return(1 if changed else 0) }}
{% endmacro %}

{#- A key may have nulls. -#}
{% macro has_key_in(relation, rows, keys) -%}
    exists (select 1 from {{ relation }} as touched where {% for key in keys -%}
        touched.{{ key }} is not distinct from {{ rows }}.{{ key }}{{ ' and ' if not loop.last }}
    {%- endfor %})
{%- endmacro %}

{#- Write down which files the table has. -#}
{% macro note_files(table) %}
    {% call statement('note_files') -%}
        delete from kept.files where raw_table = '{{ table }}';
        insert into kept.files
        select raw_table, file_name, file_version, first_at, last_at from raw.files
        where raw_table = '{{ table }}' and file_version is not null
    {%- endcall %}
{% endmacro %}
