-- grain: one row per quarantine_id: a rejected row, or a value that was removed from an accepted one
with

found_rows as (
    {%- for table, contract in raw_contract().items() %}
    select
        '{{ table }}' as raw_table,
        row_key,
        row_verdict,
        reject_reason,
        removed_values,
        _loaded_at as loaded_at,
        _file as file_name,
        {{ masked_row(contract.columns) }} as raw_row
    from {{ ref('base_raw__' ~ table) }}
    where row_verdict = 'rejected' or (row_verdict = 'accepted' and removed_values is not null)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rows_with_removed_values as (
    select * from found_rows
    where row_verdict = 'accepted'
),

removed_values as (
    {{ json_entries('rows_with_removed_values', 'removed_values') }}
),

entries as (
    select
        raw_table,
        'row_rejected' as action,
        row_key,
        reject_reason as reason,
        split_part(reject_reason, ' ', 1) as column_name,
        cast(null as {{ dbt.type_string() }}) as raw_value,
        loaded_at,
        file_name,
        raw_row
    from found_rows
    where row_verdict = 'rejected'

    union all

    select
        raw_table,
        'value_removed' as action,
        row_key,
        json_key || ' is unreadable or impossible' as reason,
        json_key as column_name,
        case
            when json_key in {{ sql_text_list(personal_columns()) }} then '***' else json_value
        end as raw_value,
        loaded_at,
        file_name,
        raw_row
    from removed_values
)

select
    md5(
        raw_table || '|' || action || '|' || coalesce(row_key, '') || '|' || column_name || '|'
        || coalesce(file_name, '') || '|' || cast(row_number() over (
            partition by raw_table, action, row_key, column_name, file_name order by loaded_at, raw_row
        ) as {{ dbt.type_string() }})
    ) as quarantine_id,
    raw_table,
    action,
    row_key,
    reason,
    column_name,
    raw_value,
    loaded_at,
    file_name,
    raw_row
from entries
