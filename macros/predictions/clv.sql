{#- Customers that models are fitted on and judged by: with more of them estimates change by less than a hundredth of what
    a season does (docs/models/clv.md). Everybody is scored. -#}
{% macro clv_fitted_customers() %}
    {{- return(50000) -}}
{% endmacro %}
