"""A result as files: the workbook whose sums anyone can check, the long table as CSV and JSON, and all of it as a ZIP."""
