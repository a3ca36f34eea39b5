-- grain: one row per landed row of products, with what became of it
{{ judged_rows('products') }}
