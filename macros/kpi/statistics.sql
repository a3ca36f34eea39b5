{#- Intervals and tests of KPI values, two-sided 95 %. -#}

{% macro normal_critical() -%}
    1.959963984540054e0
{%- endmacro %}

{#-
    Student's t at 97.5 %: a table up to 30 degrees of freedom (fractions are cut, which is the careful side), above that
    the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), good to eight digits there. `degrees` is looked at often, so
    it should be a column.
-#}
{% macro t_critical(degrees) -%}
    {%- set table = [
        12.7062047362, 4.30265272975, 3.18244630528, 2.7764451052, 2.57058183564, 2.44691185114,
        2.36462425159, 2.3060041352, 2.2621571628, 2.22813885199, 2.20098516009, 2.17881282967,
        2.16036865646, 2.14478668792, 2.13144954556, 2.11990529922, 2.10981557783, 2.10092204024,
        2.09302405441, 2.08596344727, 2.07961384473, 2.0738730679, 2.06865761042, 2.06389856163,
        2.05953855275, 2.05552943864, 2.05183051648, 2.0484071418, 2.04522964213, 2.0422724563
    ] -%}
    case
        when {{ degrees }} >= 31 then
            1.959963984540054e0 + 2.3722712303e0 / {{ degrees }} + 2.82249861574e0 / power({{ degrees }}, 2)
            + 2.55584967951e0 / power({{ degrees }}, 3) + 1.58953405339e0 / power({{ degrees }}, 4)
        {%- for value in table | reverse %}
        when {{ degrees }} >= {{ loop.revindex }} then {{ value }}e0
        {%- endfor %}
    end
{%- endmacro %}

{#- An end of Wilson's interval of a share; rounding must carry it neither out of 0..1 nor over the share itself. -#}
{% macro wilson(hits, answers, sign) -%}
    {{ 'greatest(0, least' if sign == '-' else 'least(1, greatest' }}(
        ({{ hits }} + power({{ normal_critical() }}, 2) / 2) / ({{ answers }} + power({{ normal_critical() }}, 2))
        {{ sign }} {{ normal_critical() }} / ({{ answers }} + power({{ normal_critical() }}, 2))
        * sqrt(
            greatest({{ hits }} * ({{ answers }} - {{ hits }}) / {{ answers }}, 0)
            + power({{ normal_critical() }}, 2) / 4
        ),
        {{ hits }} / {{ answers }}
    ))
{%- endmacro %}

{#- Variance of a mean from its sums; a rounding error below 0 is 0. -#}
{% macro sample_variance(total, sum_of_squares, rows) -%}
    greatest({{ sum_of_squares }} - {{ total }} * {{ total }} / {{ rows }}, 0) / nullif({{ rows }} - 1, 0)
{%- endmacro %}

{#- Whether two shares differ by more than chance (pooled two-proportion z test). -#}
{% macro shares_differ(hits_1, answers_1, hits_2, answers_2) -%}
    abs({{ hits_1 }} / {{ answers_1 }} - {{ hits_2 }} / {{ answers_2 }})
    > {{ normal_critical() }} * sqrt(greatest(
        ({{ hits_1 }} + {{ hits_2 }}) / ({{ answers_1 }} + {{ answers_2 }})
        * (1 - ({{ hits_1 }} + {{ hits_2 }}) / ({{ answers_1 }} + {{ answers_2 }}))
        * (1e0 / {{ answers_1 }} + 1e0 / {{ answers_2 }}), 0
    ))
{%- endmacro %}

{#- Degrees of freedom of Welch's test of two means; a rounding error must not cost one of them. -#}
{% macro welch_degrees(error_1, rows_1, error_2, rows_2) -%}
    (power(power({{ error_1 }}, 2) + power({{ error_2 }}, 2), 2) / nullif(
        power({{ error_1 }}, 4) / ({{ rows_1 }} - 1) + power({{ error_2 }}, 4) / ({{ rows_2 }} - 1), 0
    ) + 1e-9)
{%- endmacro %}
