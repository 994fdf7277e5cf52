-- How many overrides are in force. Index override_in_force.
SELECT count(*) FROM forecast.override WHERE ended_revision IS NULL
