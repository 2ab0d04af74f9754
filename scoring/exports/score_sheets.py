"""汇总, 得分 and 指标得分: the numbers, with every subtotal and rank as a live formula."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from indicators.workbook_safety import column_letters
from indicators.workbooks import heading
from scoring.engine import round_half_up
from scoring.exports.book import STATE_LABELS, Book, Column, cached, write_rows
from scoring.exports.rows import Formula, Ready, RowSheet
from scoring.formulas import grade_formula, rank_formula, rank_key_formula
from scoring.inputs import GatheredInputs
from scoring.words import bands_of, grade_in

#: a bar per city stays readable up to here
MOST_BARS = 30
_LAST_ROW = 1_048_576
_BAR = "#134A8E"


def summary(book: Book) -> None:
    shown = [0, *(node for node in book.dimensions if node in set(book.nodes))]
    columns = [
        Column(heading("名次", "rank"), 10, "whole"), Column(heading("城市", "city"), 16),
        Column(heading("总分", "total"), 12, "score"),
        *(Column(book.node_heading(node), 14, "score") for node in shown[1:]),
        Column("名次区间下限 (rank_low)", 12, "whole"), Column("名次区间上限 (rank_high)", 12, "whole"),
        Column("城市代码 (city_code)", 14), Column("状态 (state)", 10), Column("排名用分 (rank_key)", 12, "score"),
        *([Column("等级 (grade)", 10)] if bands_of(book.snapshot) else []),
        *([Column("数据说明", 40)] if book.notes else []),
    ]  # fmt: skip
    sheet, order = book.start("汇总", columns, freeze=(1, 3)), book.by_rank()
    write_rows(sheet, _summary_rows(book, order, shown))
    book.colour(sheet, 2, 1 + len(shown), len(order))
    sheet.print_area(0, 0, max(len(order), 1), len(columns) - 1)
    _ranking_chart(book, sheet, order, len(columns) + 1)


def _summary_rows(book: Book, order: list[int], shown: list[int]) -> Iterator[list[Any]]:
    results, decimals = book.results, book.gathered.rules.rank_decimals
    row_of = {city: place + 2 for place, city in enumerate(book.places)}
    letters = {node: book.column_of(node) for node in shown}
    key = column_letters(2 + len(shown) + 4)
    keys = f"${key}$2:${key}${len(order) + 1}"
    notes = ["；".join(book.notes)] if book.notes else []
    bands = bands_of(book.snapshot)
    for row, city in enumerate(order, 2):
        grade = grade_in(book.snapshot, float(results.score[city, 0]))
        rank, total = results.rank[city, 0], results.score[city, 0]
        stored = cached(rank, "—")
        yield [
            Formula(rank_formula(f"{key}{row}", keys), stored) if book.is_whole else stored,
            book.gathered.city_names[city],
            *(Formula(f"=得分!{letters[node]}{row_of[city]}", book.cached_score(city, node)) for node in shown),
            float(results.rank_low[city, 0]), float(results.rank_high[city, 0]),
            book.gathered.inputs.cities[city], STATE_LABELS[results.state[city, 0]],
            Formula(
                rank_key_formula(f"C{row}", book.cells.rank_decimals),
                cached(float(round_half_up(total, decimals)), ""),
            ),
            *([Formula(grade_formula(f"{key}{row}", bands), grade)] if bands else []),
            *notes,
        ]  # fmt: skip


def _ranking_chart(book: Book, sheet: RowSheet, order: list[int], column: int) -> None:
    """Bars of the totals, best on top; of a large round only the first."""
    ranked = [city for city in order if not np.isnan(book.results.rank[city, 0])]
    shown = ranked[:MOST_BARS]
    if not shown:
        return
    few = len(ranked) > len(shown)
    title = f"总分排名：前 {len(shown)} 个城市（共 {len(ranked)} 个）" if few else "总分排名"
    chart = book.workbook.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": "总分",
            "categories": ["汇总", 1, 1, len(shown), 1],
            "values": ["汇总", 1, 2, len(shown), 2],
            "categories_data": [book.gathered.city_names[city] for city in shown],
            "values_data": [float(book.results.score[city, 0]) for city in shown],
            "fill": {"color": _BAR},
            "gap": 40,
            "data_labels": {"value": True, "num_format": "0.0"},
        }
    )
    chart.set_title({"name": "　".join([title, *book.snapshot.round.marks]), "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
    chart.set_x_axis(
        {"min": 0, "num_format": "0", "major_gridlines": {"visible": True, "line": {"color": "#D5DAE1"}}}
    )
    chart.set_size({"width": 640, "height": 120 + 22 * len(shown)})
    sheet.insert_chart(1, column, chart, {"description": title})


def scores(book: Book) -> None:
    columns = [
        Column(heading("城市代码", "city_code"), 14), Column(heading("城市", "city"), 16),
        *(Column(book.node_heading(node), 14, "score") for node in book.order),
    ]  # fmt: skip
    sheet = book.start("得分", columns, freeze=(1, 3))
    codes, names = book.gathered.inputs.cities, book.gathered.city_names
    for row, city in enumerate(book.places, 1):
        cells: list[Any] = [codes[city], names[city]]
        for node in book.order:
            now = book.cached_score(city, node)
            formula = book.formulas.formula(node, row + 1) if book.contents.is_live else None
            cells.append(now if formula is None else Formula(formula.text, now, formula.is_array))
        sheet.put(row, cells)
    book.colour(sheet, 2, len(columns) - 1, len(book.places))


def leaves(book: Book) -> None:
    """Self-score, each reviewer's, and the final one of every leaf; further sheets when one is full."""
    if "指标得分" not in book.sheets:
        return
    rulings = ruling_cells(book.gathered) if book.contents.reviews else {}
    columns = _leaf_columns(book, with_rulings=bool(rulings))
    sheet, row, sheets = book.start("指标得分", columns, freeze=(1, 4)), 0, 1
    finish = _finisher(book, columns)
    for cells in _leaf_rows(book, sheet, rulings):
        row += 1
        if row == _LAST_ROW:
            finish(sheet, row - 1)
            row, sheets = 1, sheets + 1
            name = f"指标得分{sheets}"
            book.sheets[name] = book.workbook.add_worksheet(name, RowSheet)
            sheet = book.start(name, columns, freeze=(1, 4))
        sheet.put(row, cells)
    finish(sheet, row)


def _leaf_columns(book: Book, *, with_rulings: bool) -> list[Column]:
    wanted = book.contents
    seats = book.gathered.seats if wanted.reviews else ()
    return [
        Column(heading("城市代码", "city_code"), 14), Column(heading("城市", "city"), 16),
        Column(heading("指标编号", "code"), 12), Column(heading("指标", "indicator"), 36),
        *([Column(heading("自评", "self"), 10, "score")] if wanted.own else []),
        *(Column(heading(f"评审 R{seat}", f"R{seat}"), 12, "score") for seat in seats),
        *([Column(heading("最终", "final"), 10, "score")] if wanted.final else []),
        Column(heading("状态", "state"), 12), Column(heading("填报版本", "version"), 12, "whole"),
        *([Column("裁定 (ruling)", 12), Column("裁定理由", 60, text="wrap")] if with_rulings else []),
    ]  # fmt: skip


def _finisher(book: Book, columns: list[Column]) -> Any:
    first = 4
    state = next(place for place, column in enumerate(columns) if column.heading.startswith("状态"))

    def finish(sheet: RowSheet, rows: int) -> None:
        book.colour(sheet, first, state - 1, rows)
        book.colour_words(sheet, state, state, rows)

    return finish


def _leaf_rows(
    book: Book, sheet: RowSheet, rulings: dict[tuple[int, int], tuple[Any, str]]
) -> Iterator[list[Any]]:
    """City by city; texts that come back on every row are prepared once."""
    gathered, results, wanted = book.gathered, book.results, book.contents
    nodes = book.tree.leaves.tolist()
    codes = [book.tree.codes[node] for node in nodes]
    named = [(sheet.text(2, code), sheet.text(3, gathered.node_names[code])) for code in codes]
    width = 4 + wanted.own + wanted.final + (len(gathered.seats) if wanted.reviews else 0)
    labels = [sheet.text(width, label) for label in STATE_LABELS]
    reviewers = results.reviewer_scores() if wanted.reviews else np.empty((0, *gathered.versions.shape))
    none: tuple[Any, ...] = ()
    for city in book.places:
        head: list[Ready] = [
            sheet.text(0, gathered.inputs.cities[city]),
            sheet.text(1, gathered.city_names[city]),
        ]
        marks = reviewers[:, city].tolist()
        columns = [
            *([results.self_score[city, nodes].tolist()] if wanted.own else []),
            *marks,
            *([results.score[city, nodes].tolist()] if wanted.final else []),
            [labels[state] for state in results.state[city, nodes].tolist()],
            gathered.versions[city].tolist(),
        ]
        for leaf, (name, *cells) in enumerate(zip(named, *columns, strict=True)):
            yield [*head, *name, *cells, *(rulings.get((city, leaf), none) if rulings else none)]


def ruling_cells(gathered: GatheredInputs) -> dict[tuple[int, int], tuple[Any, str]]:
    """What was ruled and why, by the places of city and leaf."""
    found: dict[tuple[int, int], tuple[Any, str]] = {}
    for (city, leaf), note in gathered.ruling_notes.items():
        value = float(gathered.inputs.rulings[city, leaf])
        found[city, leaf] = ("不适用" if math.isnan(value) else value, note.reason)
    return found
