"""The back office reads a file of cities by the same rules as `import_cities`: headings, words, codes, limits."""

from typing import Any

from cities.importers import CITY_COLUMNS, read_cities
from indicators.admin_formats import SafeXLSX
from indicators.workbooks import WorkbookError, match, read_table


class CityXLSX(SafeXLSX):
    def create_dataset(self, in_stream: bytes) -> Any:
        """Rows of the columns that the file has. Raises WorkbookError with every problem and its place."""
        import tablib  # noqa: PLC0415 — heavy

        read = read_cities(in_stream)
        if read.problems:
            raise WorkbookError("\n".join(str(problem) for problem in read.problems))
        table = match(read_table(in_stream), CITY_COLUMNS)
        names = [column.key for column in CITY_COLUMNS if column.key == "code" or table.has(column.key)]
        dataset = tablib.Dataset(headers=names)
        for city in read.cities:
            dataset.append([getattr(city, name) for name in names])
        return dataset
