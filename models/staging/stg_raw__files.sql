-- grain: one row per file below RAW_DIR, as the run found it
select
    raw_table,
    file_name,
    modified_at,
    problem
from {{ source('landing', 'files') }}
