-- grain: one row per quarantine_id: a rejected row, a value removed from an accepted one, or a file that was set aside
with

files as (
    select * from {{ ref('stg_raw__files') }}
),

found_rows as (
    {%- for table, contract in raw_contract().items() %}
    {%- set has_person = 'customer_id' in contract.columns %}
    select
        '{{ table }}' as raw_table,
        {{ masked_key(contract.key) }} as row_key,
        row_verdict,
        reject_reason,
        removed_values,
        _loaded_at as loaded_at,
        _file as file_name,
        {{ masked_row(contract.columns) }} as raw_row
    from (
        select
            {% for column in contract.columns -%}
                {%- if column == 'customer_id' -%}
                    case when erased.customer_id is null then judged.customer_id else '***' end as customer_id,
                {%- elif column in typed_texts() -%}
                    {{ without_contact('judged.' ~ column) }} as {{ column }},
                {%- else -%}
                    judged.{{ column }},
                {%- endif %}
            {% endfor -%}
            judged.row_verdict,
            judged.reject_reason,
            judged.removed_values,
            judged._loaded_at,
            judged._file
        from {{ ref('base_raw__' ~ table) }} as judged
        {%- if has_person %}
        left join {{ ref('stg_raw__erased_customers') }} as erased on judged.customer_id = erased.customer_id
        {%- endif %}
        where
            judged.row_verdict = 'rejected'
            or (judged.row_verdict = 'accepted' and judged.removed_values is not null)
    ) as shown
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

rejected_rows as (
    select
        *,
        split_part(reject_reason, ' ', 1) as column_name,
        {{ json_value('removed_values', "split_part(reject_reason, ' ', 1)") }} as removed_value
    from found_rows
    where row_verdict = 'rejected'
),

entries as (
    select
        raw_table,
        'row_rejected' as action,
        row_key,
        reject_reason as reason,
        column_name,
        {{ shown_value('column_name', 'removed_value') }} as raw_value,
        loaded_at,
        file_name,
        raw_row
    from rejected_rows

    union all

    select
        raw_table,
        'value_removed' as action,
        row_key,
        json_key || ' is unreadable or impossible' as reason,
        json_key as column_name,
        {{ shown_value('json_key', 'json_value') }} as raw_value,
        loaded_at,
        file_name,
        raw_row
    from removed_values

    union all

    select
        raw_table,
        'file_set_aside' as action,
        cast(null as {{ dbt.type_string() }}) as row_key,
        problem as reason,
        cast(null as {{ dbt.type_string() }}) as column_name,
        cast(null as {{ dbt.type_string() }}) as raw_value,
        modified_at as loaded_at,
        file_name,
        cast(null as {{ dbt.type_string() }}) as raw_row
    from files
    where problem is not null
)

select
    md5(
        raw_table || '|' || action || '|' || coalesce(row_key, '') || '|' || coalesce(column_name, '') || '|'
        || coalesce(file_name, '') || '|' || cast(row_number() over (
            partition by raw_table, action, row_key, column_name, file_name
            order by loaded_at nulls last, raw_row nulls last, raw_value nulls last
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
