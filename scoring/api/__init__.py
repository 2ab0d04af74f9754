"""Open data: published results, frameworks and methods as JSON and CSV, for everybody and read-only."""
