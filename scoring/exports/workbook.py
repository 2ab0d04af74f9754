"""Writes the results workbook, sheet by sheet and row by row: memory does not grow with the number of cities."""

from typing import IO

from scoring.exports.contents import EVERYTHING, Contents
from scoring.results import Results


def write_results_workbook(results: Results, target: IO[bytes], contents: Contents = EVERYTHING) -> None:
    import xlsxwriter  # noqa: PLC0415 — heavy

    from scoring.exports import about_sheets, score_sheets  # noqa: PLC0415 — they import it as well
    from scoring.exports.book import Book  # noqa: PLC0415
    from scoring.exports.city_sheet import city_sheet  # noqa: PLC0415

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        book = Book(workbook, results, contents)
        book.set_properties()
        for write in (
            score_sheets.summary, score_sheets.scores, score_sheets.leaves,
            about_sheets.weights, about_sheets.method, about_sheets.evidence, about_sheets.check,
            about_sheets.derivations, about_sheets.robustness, about_sheets.comments, city_sheet,
            about_sheets.dictionary,
        ):  # fmt: skip
            write(book)
