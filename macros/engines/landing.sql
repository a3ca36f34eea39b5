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
        {% do run_query('create or replace view raw.' ~ table.name ~ ' as ' ~ landed_rows(table, landing.rows[table.name])) %}
    {% endfor %}
{% endmacro %}

{% macro listed_files(files) %}
    create or replace table raw.files as
    select unnest(from_json({{ sql_text(tojson(files)) }}, '[{
        "raw_table": "VARCHAR", "file_kind": "VARCHAR", "file_name": "VARCHAR", "file_path": "VARCHAR",
        "modified_at": "TIMESTAMP", "row_count": "BIGINT", "problem": "VARCHAR"
    }]'), recursive := true)
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
    inner join raw.files as files on landed._path = files.file_path
{% endmacro %}
