{#-
    Landing: the files of RAW_DIR as one typed view per table of the raw contract, `raw.<table>`.

    Every view has all columns of the contract (null where no file has them), and
      _loaded_at   when the row was landed, else the time its file was last changed
      _deleted     true in a tombstone
      _file        the file it came from, below RAW_DIR
      _unreadable  a JSON object of the values that are not of the contract's type; null where all are
    Files are listed once per run, so a file that arrives later waits for the next run.
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
    {% do run_query('create schema if not exists raw') %}
    {% do run_query(list_raw_files()) %}
    {% set files = {} %}
    {% for row in run_query('select raw_table, file_kind, file_path from raw.files order by 1, 2, 3').rows %}
        {% do files.setdefault(row[0], {}).setdefault(row[1], []).append(row[2]) %}
    {% endfor %}
    {% for table in graph.sources.values() if table.source_name == 'raw' %}
        {% do run_query('create or replace view raw.' ~ table.name ~ ' as ' ~ landed_rows(table, files.get(table.name, {}))) %}
    {% endfor %}
{% endmacro %}

{% macro list_raw_files() %}
    {% set pattern = raw_dir() ~ '/*/*' %}
    {#- read_blob refuses a pattern without a match. -#}
    {% set is_empty = run_query('select count(*) from glob(' ~ sql_text(pattern) ~ ')').rows[0][0] == 0 %}
    create or replace table raw.files as
    select
        split_part(file_name, '/', 1) as raw_table,
        case
            when file_name like '%.parquet' then 'parquet'
            when file_name like '%.csv' or file_name like '%.csv.gz' then 'csv'
            when file_name like '%.json' then 'json'
            when file_name like '%.jsonl' then 'jsonl'
        end as file_kind,
        file_name,
        file_path,
        modified_at
    from (
        select
            substr(file_path, {{ raw_dir() | length + 2 }}) as file_name,
            file_path,
            modified_at
        from (
        {% if is_empty %}
            select cast(null as varchar) as file_path, cast(null as timestamp) as modified_at where false
        {% else %}
            select filename as file_path, last_modified at time zone 'UTC' as modified_at
            from read_blob({{ sql_text(pattern) }})
        {% endif %}
        )
    )
    where file_kind is not null
{% endmacro %}

{#- The rows of one table: every kind of file read its own way, cast to the contract and put below one another. -#}
{% macro landed_rows(table, files_by_kind) %}
    {% set parts = [] %}
    {% for kind, paths in files_by_kind.items() %}
        {% set reader = file_reader(table, kind, paths) %}
        {% set found = {} %}
        {% for column in run_query('describe select * from ' ~ reader).rows %}
            {% do found.update({column[0]: column[1]}) %}
        {% endfor %}
        {% do refuse_missing_columns(table, kind, paths) %}
        {% do parts.append(typed_rows(table, reader, found)) %}
    {% endfor %}
    {% if not parts %}
        {% do parts.append(typed_rows(table, "(select cast(null as varchar) as filename where false)", {})) %}
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

{#- Without a required column every row of the file would be rejected; that is the file's fault, and it is said at once. -#}
{% macro refuse_missing_columns(table, kind, paths) %}
    {% set required = raw_contract()[table.name].required %}
    {% for path in paths %}
        {% if kind == 'parquet' %}
            {% set described = "select name from parquet_schema(" ~ sql_text(path) ~ ")" %}
        {% elif kind == 'csv' %}
            {% set described = "describe select * from read_csv(" ~ sql_text(path) ~ ", header = true, all_varchar = true)" %}
        {% else %}
            {% set described = "describe select * from read_json(" ~ sql_text(path) ~ ")" %}
        {% endif %}
        {% set found = run_query(described).columns[0].values() | map('lower') | list %}
        {% for column in required if column not in found %}
            {% do exceptions.raise_compiler_error(
                path.split('/')[-2:] | join('/') ~ ": required column " ~ column ~ " is missing. Add it to the file, or"
                ~ " take the file out of the folder; a table without files counts as empty."
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{% macro file_reader(table, kind, paths) %}
    {%- set list -%}
        [{% for path in paths %}{{ sql_text(path) }}{{ ', ' if not loop.last }}{% endfor %}]
    {%- endset -%}
    {%- if kind == 'parquet' -%}
        {{ return('read_parquet(' ~ list ~ ', union_by_name = true, filename = true)') }}
    {%- elif kind == 'csv' -%}
        {{ return('read_csv(' ~ list ~ ', union_by_name = true, filename = true, header = true, all_varchar = true)') }}
    {%- else -%}
        {%- set columns -%}
            { {%- for column in table.columns.values() %}{{ column.name }}: 'varchar', {% endfor -%}
            _loaded_at: 'varchar', _deleted: 'varchar' }
        {%- endset -%}
        {%- set format = 'newline_delimited' if kind == 'jsonl' else 'auto' -%}
        {{ return('read_json(' ~ list ~ ', columns = ' ~ columns ~ ", format = '" ~ format ~ "', filename = true)") }}
    {%- endif -%}
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
        filename as _path
    from {{ reader }}
{% endmacro %}

{% macro may_be_unreadable(found_type, wanted_type) %}
    {{- return(
        found_type is not none and wanted_type != 'varchar' and found_type | lower != wanted_type | lower
        or found_type == 'DOUBLE'
    ) -}}
{% endmacro %}

{#- A column of a file as the contract's type; null where its value is not of that type. -#}
{% macro typed_value(column, found_type, wanted_type) %}
    {%- set wanted = wanted_type | lower -%}
    {%- set text = "nullif(trim(cast(" ~ column ~ " as varchar)), '')" -%}
    {%- if found_type is none -%}
        cast(null as {{ wanted }})
    {%- elif wanted == 'double' -%}
        {%- set number = "try_cast(" ~ (column if found_type == 'DOUBLE' else text) ~ " as double)" -%}
        case when isfinite({{ number }}) then {{ number }} end
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
    {%- elif wanted == 'timestamp' -%}
        {%- if found_type == 'TIMESTAMP WITH TIME ZONE' -%}
            ({{ column }} at time zone 'UTC')
        {%- elif found_type.startswith('TIMESTAMP') or found_type == 'DATE' -%}
            cast({{ column }} as timestamp)
        {%- else -%}
            {#- The session's time zone is UTC, so text without an offset is UTC. -#}
            (try_cast({{ text }} as timestamp with time zone) at time zone 'UTC')
        {%- endif -%}
    {%- elif wanted == 'date' -%}
        {%- if found_type.startswith('TIMESTAMP') -%}
            cast({{ column }} as date)
        {%- else -%}
            try_cast({{ text }} as date)
        {%- endif -%}
    {%- else -%}
        try_cast({{ column if found_type in ('DOUBLE', 'BIGINT', 'INTEGER') or found_type.startswith('DECIMAL') else text }} as {{ wanted }})
    {%- endif -%}
{% endmacro %}
