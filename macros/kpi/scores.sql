{#- Business predicates and formulas of survey scores. -#}

{#- Place of a score on its scale, 0 the bad end and 1 the good one. Divided once, so that equal places of different
    scales are the same double and thresholds hold exactly. -#}
{% macro scale_place(score, scale_min, scale_max, is_reversed) -%}
    case
        when {{ is_reversed }} then ({{ scale_max }} - {{ score }}) / nullif({{ scale_max }} - {{ scale_min }}, 0)
        else ({{ score }} - {{ scale_min }}) / nullif({{ scale_max }} - {{ scale_min }}, 0)
    end
{%- endmacro %}

{#- A scale that ends at 10 is taken as it is (1..10 offers no 0); any other is mapped linearly to 0..10. -#}
{% macro nps_score(score, scale_min, scale_max, is_reversed) -%}
    case
        when {{ scale_max }} = 10 and {{ is_reversed }} then {{ scale_min }} + {{ scale_max }} - {{ score }}
        when {{ scale_max }} = 10 then {{ score }}
        else 10 * {{ scale_place(score, scale_min, scale_max, is_reversed) }}
    end
{%- endmacro %}

{#- 1 promoter, 0 passive, -1 detractor. -#}
{% macro nps_group_points(nps_score) -%}
    case when {{ nps_score }} >= 9 then 1 when {{ nps_score }} <= 6 then -1 when {{ nps_score }} is not null then 0 end
{%- endmacro %}

{% macro is_csat_satisfied(place) -%}
    {{ place }} >= 0.75
{%- endmacro %}

{% macro is_csat_dissatisfied(place) -%}
    {{ place }} <= 0.25
{%- endmacro %}

{% macro is_ces_easy(place) -%}
    {{ place }} >= 2e0 / 3e0
{%- endmacro %}

{#- A place on a scale as points of a scale from `low` to `high`. -#}
{% macro points_on_scale(place, low, high) -%}
    ({{ low }} + {{ high - low }} * {{ place }})
{%- endmacro %}
