-- grain: one row per landed row of agents, with what became of it
{{ judged_rows('agents') }}
