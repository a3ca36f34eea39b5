-- grain: one row per platform and review_id
with

reviews as (
    select
        *,
        coalesce(scale_min, 1) as scale_low,
        coalesce(scale_max, 5) as scale_high
    from {{ ref('stg_raw__reviews') }}
),

rated_reviews as (
    select
        *,
        {{ scale_place('rating', 'scale_low', 'scale_high', 'false') }} as rating_place
    from reviews
)

select
    platform,
    review_id,
    customer_id,
    product_id,
    topic,
    posted_at,
    {{ reporting_date('posted_at') }} as posted_date,
    rating,
    scale_low as scale_min,
    scale_high as scale_max,
    rating_place,
    sentiment,
    replied_at,

    -- KPI flags and measures: null keeps a row out of the KPI
    {{ points_on_scale('rating_place', 1, 5) }} as rating_points,
    replied_at is not null as is_replied,
    {{ is_csat_satisfied('rating_place') }} as is_satisfied,
    case
        when rating_place is not null then {{ is_csat_dissatisfied('rating_place') }}
        when sentiment in ('positive', 'neutral', 'negative') then sentiment = 'negative'
    end as is_negative
from rated_reviews
