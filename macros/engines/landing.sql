{#-
    Landing: the files of RAW_DIR as one typed view per table of the raw contract, `raw.<table>`.

    Every view has all columns of the contract (null where no file has them), and
      _loaded_at   when the row was landed, else the time its file was last changed
      _deleted     true in a tombstone
      _file        the file it came from, below RAW_DIR
      _unreadable  a JSON object of the values that are not of the contract's type; null where all are
    Files are looked at once per run (`raw_landing`, from outside_in.landing), so a file that arrives later waits for the
    next run. `raw.files` lists them, also those that cannot be used and are set aside, with the reason.
-#}
{% macro land_raw_tables() %}
    {% if execute and flags.WHICH in ('build', 'run', 'test', 'seed', 'run-operation', 'show') %}
        {{ adapter.dispatch('land_raw_tables')() }}
    {% endif %}
{% endmacro %}

{% macro raw_dir() %}
    {{- return(var('raw_dir', env_var('RAW_DIR', 'data/raw')).rstrip('/')) -}}
{% endmacro %}

{% macro default__land_raw_tables() %}
    {% set landing = fromjson(run_query('select raw_landing(' ~ sql_text(raw_dir()) ~ ')').rows[0][0]) %}
    {% if landing.stops %}
        {% do exceptions.raise_compiler_error(landing.stops | join('\n')) %}
    {% endif %}
    {% do run_query('create schema if not exists raw') %}
    {% do run_query(listed_files(landing.files)) %}
    {% for table in graph.sources.values() if table.source_name == 'raw' %}
        {% do run_query('create or replace view raw.' ~ table.name ~ ' as ' ~ landed_rows(table, landing.scans[table.name])) %}
    {% endfor %}
{% endmacro %}

{% macro listed_files(files) %}
    create or replace table raw.files as
    select unnest(from_json({{ sql_text(tojson(files)) }}, '[{
        "raw_table": "VARCHAR", "file_kind": "VARCHAR", "file_name": "VARCHAR", "file_path": "VARCHAR",
        "modified_at": "TIMESTAMP", "row_count": "BIGINT", "problem": "VARCHAR"
    }]'), recursive := true)
{% endmacro %}

{#- The rows of one table: files of each layout read their own way, cast to the contract and put below one another. -#}
{% macro landed_rows(table, scans) %}
    {% set parts = [] %}
    {% for scan in scans %}
        {% do parts.append(typed_rows(table, scan.reader, scan.columns)) %}
    {% endfor %}
    {% if not parts %}
        {% do parts.append(typed_rows(table, "(select cast(null as varchar) as _path where false)", {})) %}
    {% endif %}
    select
        {% for column in table.columns.values() %}landed.{{ column.name }},
        {% endfor %}
        coalesce(landed._loaded_at, files.modified_at) as _loaded_at,
        landed._deleted,
        files.file_name as _file,
        landed._unreadable
    from ({{ parts | join(' union all ') }}) as landed
    inner join raw.files as files on landed._path = files.file_path
{% endmacro %}

{% macro typed_rows(table, reader, found) %}
    {%- set unreadable = [] -%}
    select
    {% for column in table.columns.values() %}
        {%- set typed = typed_value(column.name, found.get(column.name), column.data_type) %}
        {{ typed }} as {{ column.name }},
        {%- if may_be_unreadable(found.get(column.name), column.data_type) -%}
            {%- do unreadable.append(
                "case when " ~ typed ~ " is null and trim(cast(" ~ column.name ~ " as varchar)) <> '' then '\""
                ~ column.name ~ "\":' || cast(to_json(cast(" ~ column.name ~ " as varchar)) as varchar) end"
            ) -%}
        {%- endif -%}
    {% endfor %}
        {{ typed_value('_loaded_at', found.get('_loaded_at'), 'timestamp') }} as _loaded_at,
        {{ typed_value('_deleted', found.get('_deleted'), 'boolean') }} as _deleted,
        {% if unreadable -%}
        '{' || nullif(concat_ws(',', {{ unreadable | join(', ') }}), '') || '}' as _unreadable,
        {%- else -%}
        cast(null as varchar) as _unreadable,
        {%- endif %}
        _path
    from {{ reader }}
{% endmacro %}

{% macro may_be_unreadable(found_type, wanted_type) %}
    {{- return(
        found_type is not none and wanted_type != 'varchar'
        and (found_type | lower != wanted_type | lower or wanted_type | lower in ('double', 'date', 'timestamp'))
    ) -}}
{% endmacro %}

{#- Not before 1900, after the year 9999, or without end: nothing is recorded there, and calendars begin and end. -#}
{% macro in_calendar(value, type) -%}
    {{ value }} >= cast('1900-01-01' as {{ type }}) and {{ value }} < cast('10000-01-01' as {{ type }})
{%- endmacro %}

{#- A column of a file as the contract's type; null where its value is not of that type. -#}
{% macro typed_value(column, found_type, wanted_type) %}
    {%- set wanted = wanted_type | lower -%}
    {%- set text = "nullif(trim(cast(" ~ column ~ " as varchar)), '')" -%}
    {%- if found_type is none -%}
        cast(null as {{ wanted }})
    {%- elif wanted == 'double' -%}
        {%- set number = "try_cast(" ~ (column if found_type == 'DOUBLE' else text) ~ " as double)" -%}
        case when isfinite({{ number }}) then {{ number }} end
    {%- elif wanted in ('timestamp', 'date') -%}
        {%- set offset_fits = "" -%}
        {%- if found_type == 'TIMESTAMP WITH TIME ZONE' -%}
            {%- set read = "try_cast(" ~ column ~ " at time zone 'UTC' as " ~ wanted ~ ")" -%}
        {%- elif found_type.startswith('TIMESTAMP') or found_type == 'DATE' -%}
            {%- set read = column if found_type | lower == wanted else "try_cast(" ~ column ~ " as " ~ wanted ~ ")" -%}
        {%- elif wanted == 'date' -%}
            {%- set read = "try_cast(" ~ text ~ " as date)" -%}
        {%- else -%}
            {#- The session's time zone is UTC, so text without an offset is UTC. No place is 15 hours away from it.
                Names of zones are read apart: DuckDB takes a row's zone for all rows after it that name none. -#}
            {%- set names_zone = "regexp_matches(" ~ text ~ ", ' [A-Za-z]')" -%}
            {%- set instant = "try_cast(case when %s then " ~ text ~ " end as timestamp with time zone) at time zone 'UTC'" -%}
            {%- set read = "coalesce(" ~ instant % ("not " ~ names_zone) ~ ", " ~ instant % names_zone ~ ")" -%}
            {%- set offset_fits = " and not regexp_matches(" ~ text ~ ", '[+-](1[5-9]|[2-9][0-9]):?[0-9][0-9]$')" -%}
        {%- endif -%}
        case when {{ in_calendar(read, wanted) }}{{ offset_fits }} then {{ read }} end
    {%- elif found_type | lower == wanted -%}
        {{ column }}
    {%- elif wanted == 'varchar' -%}
        cast({{ column }} as varchar)
    {%- elif wanted == 'bigint' -%}
        {#- 3 and 3.0 are whole numbers, 3.7 is not one. -#}
        case
            when try_cast({{ text }} as double) = floor(try_cast({{ text }} as double))
                then try_cast({{ text }} as bigint)
        end
    {%- elif wanted == 'boolean' -%}
        case
            when lower({{ text }}) in ('true', 't', 'yes', 'y', '1', '1.0') then true
            when lower({{ text }}) in ('false', 'f', 'no', 'n', '0', '0.0') then false
        end
    {%- else -%}
        try_cast({{ column if found_type in ('DOUBLE', 'BIGINT', 'INTEGER') or found_type.startswith('DECIMAL') else text }} as {{ wanted }})
    {%- endif -%}
{% endmacro %}
