{#-
    An amount in the reporting currency: itself where its currency is that one or unknown, else at `rate`; null where
    no rate is known, so that it is left out and never taken at 1. Eight decimals keep a converted sum exact to 1e-9.
-#}
{% macro in_reporting_currency(amount, currency, rate, reporting_currency) -%}
    case
        when coalesce({{ currency }}, {{ reporting_currency }}) = {{ reporting_currency }}
            then cast({{ amount }} as decimal(28, 8))
        else cast(cast({{ amount }} as double) * {{ rate }} as decimal(28, 8))
    end
{%- endmacro %}

{#- The join that finds a row's rate: the last known on or before its own day. -#}
{% macro join_rate(rates, currency, date) -%}
    left join {{ rates }}
        on {{ currency }} = {{ rates }}.currency
        and {{ date }} >= {{ rates }}.valid_from
        and {{ date }} < {{ rates }}.valid_until
{%- endmacro %}
