{#- No two rows share all of `columns`; nulls are values like any other, as in the raw contract's keys. -#}
{% test unique_together(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
