-- Which raw tables lose rows or values, and for which reason, most first.
select
    raw_table,
    action,
    reason,
    count(*) as row_count,
    min(file_name) as for_example_in,
    min(row_key) as for_example_key
from {{ ref('data_quality_quarantine') }}
group by raw_table, action, reason
order by count(*) desc, raw_table asc, reason asc
