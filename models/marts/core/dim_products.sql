-- grain: one row per product_id
select
    product_id,
    product_name,
    category,
    brand
from {{ ref('stg_raw__products') }}
