"""Outside-In: customer-experience KPI marts from the tables a company already has."""
