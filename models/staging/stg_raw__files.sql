-- grain: one row per file below RAW_DIR, as the run found it
select
    raw_table,
    file_kind,
    file_name,
    modified_at,
    row_count,
    problem
from {{ source('landing', 'files') }}
