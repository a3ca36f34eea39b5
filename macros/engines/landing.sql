{#-
    Landing: the files of RAW_DIR as one typed view per table of the raw contract, `raw.<table>`.

    Every view has all columns of the contract (null where no file has them), and
      _loaded_at   when the row was landed, else the time its file was last changed
      _deleted     true in a tombstone
      _file        the file it came from, below RAW_DIR
      _unreadable  a JSON object of the values that are not of the contract's type; null where all are
    Files are looked at once per run (`raw_landing`, from outside_in.landing), so a file that arrives later waits for the
    next run. `raw.files` lists them, also those that cannot be used and are set aside, with the reason; `file_version`
    tells whether a file is what it was. `kept.files` has the files that each base table was last built from, and
    `raw.<table>__arrived` the rows of the others: what is kept from run to run needs to read no more than those.
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
    {% do run_query('create schema if not exists kept') %}
    {% do run_query(
        'create table if not exists kept.files'
        ~ ' (raw_table varchar, file_name varchar, file_version varchar, first_at timestamp, last_at timestamp)'
    ) %}
    {% set landing = fromjson(run_query(
        'select raw_landing(' ~ sql_text(raw_dir()) ~ ', ' ~ sql_text(var('reporting_timezone')) ~ ','
        ~ " coalesce((select cast(json_group_object(file_name, file_version) as varchar) from kept.files), '{}'))"
    ).rows[0][0]) %}
    {% if landing.stops %}
        {% do exceptions.raise_compiler_error(landing.stops | join('\n')) %}
    {% endif %}
    {% set statements = [listed_files(landing.files)] %}
    {% for table in graph.sources.values() if table.source_name == 'raw' %}
        {% set create = 'create or replace view ' %}
        {% set none_arrived = 'select * from raw.' ~ table.name ~ ' where false' %}
        {% set new = landing.arrived.get(table.name) %}
        {% do statements.append(create ~ 'raw.' ~ table.name ~ ' as ' ~ landed_rows(table, landing.rows[table.name])) %}
        {% do statements.append(create ~ arrived(table.name) ~ ' as ' ~ (landed_rows(table, new) if new else none_arrived)) %}
    {% endfor %}
    {% do run_query((['begin'] + statements + [dated_files(landing.arrived), 'commit']) | join(';\n')) %}
{% endmacro %}

{#- The rows of the files that a base table does not know yet. -#}
{% macro arrived(table) -%}
    raw.{{ table }}__arrived
{%- endmacro %}

{% macro listed_files(files) %}
    create or replace table raw.files as
    select
        unnest(from_json({{ sql_text(tojson(files)) }}, '[{
            "raw_table": "VARCHAR", "file_kind": "VARCHAR", "file_name": "VARCHAR", "file_path": "VARCHAR",
            "file_version": "VARCHAR", "modified_at": "TIMESTAMP", "row_count": "BIGINT", "problem": "VARCHAR"
        }]'), recursive := true),
        cast(null as timestamp) as first_at,
        cast(null as timestamp) as last_at
{% endmacro %}

{#- Of each file, the first and the last own time of its rows: what is known of it, else read. A row that claims to be
    much later than its landing is from the future and must not set the date. -#}
{% macro dated_files(tables) %}
    update raw.files set first_at = dated.first_at, last_at = dated.last_at
    from (
        select file_name, file_version, first_at, last_at from kept.files
        {%- for table, contract in raw_contract().items() if contract.own_time and table in tables %}
        union all
        select
            _file,
            cast(null as {{ dbt.type_string() }}),
            min({{ own_instant(contract) }}),
            max(case
                when {{ own_instant(contract) }} <= _loaded_at + interval '1' day then {{ own_instant(contract) }}
            end)
        from {{ arrived(table) }}
        group by _file
        {%- endfor %}
    ) as dated
    where files.file_name = dated.file_name and files.file_version = coalesce(dated.file_version, files.file_version)
{% endmacro %}

{#- The rows of one table: what outside_in.validation.views reads, with what is known of the files. -#}
{% macro landed_rows(table, rows) %}
    select
        {% for column in table.columns.values() %}landed.{{ column.name }},
        {% endfor %}
        coalesce(landed._loaded_at, files.modified_at) as _loaded_at,
        landed._deleted,
        files.file_name as _file,
        landed._unreadable
    from ({{ rows }}) as landed
    inner join raw.files as files on landed._oi_file = files.file_path
{% endmacro %}
