-- Empties the staging table of a page of changes.
TRUNCATE features.demand_page
