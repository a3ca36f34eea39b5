-- grain: one row per raw_table
{%- for table, contract in raw_contract().items() %}
select
    '{{ table }}' as raw_table,
    counted.raw_rows,
    judged.accepted_rows,
    judged.rejected_rows,
    judged.duplicate_rows,
    judged.future_rows,
    judged.removed_values,
    judged.unknown_codes,
    -- Two counts of their own: the files' rows, and the verdicts.
    counted.raw_rows
    = judged.accepted_rows + judged.rejected_rows + judged.duplicate_rows + judged.future_rows as is_balanced,
    judged.latest_event_at,
    judged.latest_loaded_at
from (select count(*) as raw_rows from {{ source('raw', table) }}) as counted
cross join (
    select
        count(case when row_verdict = 'accepted' then 1 end) as accepted_rows,
        count(case when row_verdict = 'rejected' then 1 end) as rejected_rows,
        count(case when row_verdict in ('superseded', 'deleted') then 1 end) as duplicate_rows,
        count(case when row_verdict = 'future' then 1 end) as future_rows,
        cast(coalesce(sum(
            case when row_verdict = 'accepted' then {{ json_key_count('removed_values') }} end
        ), 0) as bigint) as removed_values,
        cast(
            0
            {%- for column, codes in contract.codes.items() %}
            + count(
                case
                    when
                        row_verdict = 'accepted'
                        and lower(trim({{ column }})) not in {{ sql_text_list(codes) }}
                        then 1
                end
            )
            {%- endfor %} as bigint
        ) as unknown_codes,
        max(
            case when row_verdict = 'accepted' then
                    cast({{ own_instant(contract) if contract.own_time else 'null' }} as timestamp)
            end
        ) as latest_event_at,
        max(_loaded_at) as latest_loaded_at
    from {{ ref('base_raw__' ~ table) }}
) as judged
{{ 'union all' if not loop.last }}
{%- endfor %}
