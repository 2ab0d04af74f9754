"""Results as Word documents: a city's report, the round's report, the collection of cases."""
