"""城市图: choose a city in one cell; a table and a radar follow it, by formulas that every spreadsheet knows."""

from typing import Any

import numpy as np

from scoring.engine import State
from scoring.exports.book import Book
from scoring.exports.rows import Formula, RowSheet, clean
from scoring.formulas import WORDS

#: a radar with more axes, or with fewer than three, cannot be read: bars take its place
MOST_AXES, FEWEST_AXES = 8, 3
_HEAD_ROW = 6  # of the table, from 0
_LIST = 25  # column Z, the cities to choose from
_CHOSEN, _PLACE = "$B$1", "$B$3"
_OWN, _MEDIAN = "#134A8E", "#B26210"


def city_sheet(book: Book) -> None:
    if "城市图" not in book.sheets:
        return
    sheet: RowSheet = book.sheets["城市图"]
    formats = book.formats
    for place, width in enumerate((30, 20, 12, 12, 12)):
        sheet.set_column(place, place, width)
    sheet.set_column(_LIST, _LIST, 26)
    book.set_up_print(sheet)
    sheet.prepare([(formats["score"], formats["plain"])] * (_LIST + 1))
    names = [_label(book, city) for city in book.places]
    first = book.by_rank()[0]
    chosen = book.places.index(first)
    lines = _lines(book, first, chosen, names)
    for row in range(max(len(lines), len(names) + 1)):
        cells = lines[row] if row < len(lines) else []
        beside = "城市列表" if row == 0 else (names[row - 1] if row <= len(names) else None)
        _put(book, sheet, row, cells, beside)
    last = f"$Z${len(names) + 1}"
    sheet.data_validation(
        0, 1, 0, 1,
        {"validate": "list", "source": f"=$Z$2:{last}", "input_title": "选择城市", "input_message": "图和表随之变化",
         "error_title": "没有这个城市", "error_message": "请从列表中选择。"},
    )  # fmt: skip
    sheet.freeze_panes(1, 0)
    sheet.print_area(0, 0, max(len(lines), _HEAD_ROW + 26), 13)
    book.colour_words(sheet, 1, 1, len(lines))
    _chart(book, sheet, lines)


def _label(book: Book, city: int) -> str:
    """Names repeat among counties; with its code a city is found for certain."""
    return clean(f"{book.gathered.city_names[city]} {book.gathered.inputs.cities[city]}")


def _lines(book: Book, first: int, chosen: int, names: list[str]) -> list[list[Any]]:
    last = len(names) + 1
    lines: list[list[Any]] = [
        ["选择城市", names[chosen]],
        ["在 B1 的下拉列表中选择城市，图和表随之变化。"],
        ["在列表中的序号", Formula(f"=MATCH({_CHOSEN},$Z$2:$Z${last},0)", float(chosen + 1))],
        ["总分", _chosen_score(book, 0, first, last)],
        ["总分最高 / 中位数", _over("MAX", book, 0, last), _over("MEDIAN", book, 0, last)],
        [None],
        ["维度", "得分", "中位数", "最高", "图用得分"],
    ]  # fmt: skip
    for place, node in enumerate(book.dimensions):
        row = _HEAD_ROW + place + 2
        score = book.results.score[first, node]
        lines.append(
            [
                book.node_heading(node), _chosen_score(book, node, first, last), _over("MEDIAN", book, node, last),
                _over("MAX", book, node, last),
                Formula(f"=IF(ISNUMBER(B{row}),B{row},NA())", "#N/A" if np.isnan(score) else float(score)),
            ]
        )  # fmt: skip
    return lines


def _range(book: Book, node: int, last: int) -> str:
    letters = book.column_of(node)
    return f"得分!${letters}$2:${letters}${last}"


def _chosen_score(book: Book, node: int, city: int, last: int) -> Formula:
    return Formula(f"=INDEX({_range(book, node, last)},{_PLACE})", book.cached_score(city, node))


def _over(function: str, book: Book, node: int, last: int) -> Formula:
    """The median or the maximum of all cities in the file that have a score."""
    where, word = _range(book, node, last), WORDS[State.NOT_ASSESSED]
    scores = book.results.score[book.places, node]
    there = scores[~np.isnan(scores)]
    value: float | str = word
    if there.size:
        value = float(np.median(there) if function == "MEDIAN" else there.max())
    return Formula(f'=IF(COUNT({where})=0,"{word}",{function}({where}))', value)


def _put(book: Book, sheet: RowSheet, row: int, cells: list[Any], beside: str | None) -> None:
    """One row of the table and, far to the right, one of the cities to choose from."""
    if row in (0, _HEAD_ROW):
        style = book.formats["head"]
        for place, words in enumerate(cells):
            chosen = row == 0 and place == 1
            sheet.write_string(row, place, str(words), book.formats["input"] if chosen else style)
        if beside:
            sheet.write_string(row, _LIST, beside, style if row == 0 else book.formats["plain"])
        return
    room = [None] * (_LIST - len(cells))
    sheet.put(row, [*cells, *room, beside])


def _chart(book: Book, sheet: RowSheet, lines: list[list[Any]]) -> None:
    axes, first = len(book.dimensions), _HEAD_ROW + 1
    is_radar = FEWEST_AXES <= axes <= MOST_AXES
    chart = book.workbook.add_chart(
        {"type": "radar", "subtype": "with_markers"} if is_radar else {"type": "bar"}
    )
    last = first + axes - 1
    for column, colour, marker, dash in ((4, _OWN, "circle", "solid"), (2, _MEDIAN, "square", "dash")):
        look = {"line": {"color": colour, "width": 2, "dash_type": dash}}
        look |= {
            "marker": {"type": marker, "size": 6, "fill": {"color": colour}, "border": {"color": colour}}
        }
        values = [line[column].value for line in lines[first:]]
        chart.add_series(
            {
                "name": f"=城市图!{_CHOSEN}" if column == 4 else "中位数",
                "categories": ["城市图", first, 0, last, 0],
                "values": ["城市图", first, column, last, column],
                "categories_data": [line[0] for line in lines[first:]],
                "values_data": values,
                **(look if is_radar else {"fill": {"color": colour}}),
            }
        )
    chart.set_title(
        {
            "name": "各维度得分" + "".join(f"（{mark}）" for mark in book.snapshot.round.marks),
            "name_font": {"size": 12},
        }
    )
    chart.set_legend({"position": "bottom"})
    axis = {
        "min": 0,
        "max": 100,
        "num_format": "0",
        "major_gridlines": {"visible": True, "line": {"color": "#D5DAE1"}},
    }
    if is_radar:
        chart.set_y_axis(axis)
    else:
        chart.set_x_axis(axis)
        chart.set_y_axis({"reverse": True})
    chart.show_na_as_empty_cell()
    chart.set_size({"width": 560, "height": 460 if is_radar else 120 + 40 * axes})
    sheet.insert_chart(1, 6, chart, {"description": "所选城市各维度得分与中位数"})
