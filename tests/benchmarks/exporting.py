"""Rows 8, 9 and 11: a results workbook written and read, and the figure of a heat table.

The workbook is that of a whole round: every sheet, formulas, three reviewers. Its floor writes as many cells, of the
same kinds and with the same words and formulas, through XlsxWriter's `constant_memory` mode and nothing else.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from . import data
from .measure import Row, say, side_by_side

SIZES = (16, 337, 2843)
LARGE, HEAT_CITIES = SIZES[-1], 337
MOST_MEGABYTES = 150


def rows() -> list[Row]:
    found = []
    for cities in SIZES:
        say(f"results workbook of {cities} cities")
        found += workbook(cities)
    return [*found, *heat()]


def results_of(cities: int):
    """A result as it is loaded from the database, without one."""
    import django

    django.setup()
    from cities.models import Round
    from indicators.models import Framework
    from scoring.engine import score_round
    from scoring.inputs import GatheredInputs
    from scoring.models import ResultSnapshot
    from scoring.results import Results

    tree, inputs = data.tree(), data.inputs(cities)
    scored = score_round(tree, data.RULES, inputs)
    nodes = [
        {"code": code, "name_zh": f"指标{code}", "parent": parent, "weight": str(weight), "points": None}
        for code, parent, weight, _kind in data.nodes()
    ]
    edition = {
        "code": "BENCH", "edition": "1", "name_zh": "性能测试", "name_en": "", "source": "", "provenance": "",
        "indicators": nodes,
    }  # fmt: skip
    gathered = GatheredInputs(
        edition=edition, tree=tree, rules=data.RULES, inputs=inputs,
        city_names=tuple(f"城市{place}" for place in range(cities)),
        versions=np.ones(inputs.values.shape, dtype=np.int64), seats=(1, 2, 3),
    )  # fmt: skip
    round_ = Round(code="BENCH", name="性能测试", framework=Framework(name_zh="性能测试"), year=2025)
    method = {
        "edition": {"name_zh": "性能测试", "edition": "1", "provenance": "", "source": ""}, "cities": cities,
        "not_submitted": [], "ranked": cities, "seats": [1, 2, 3],
        "rules": {"draws": 0, "seed": 1, "delta": 0.2, "rank_decimals": 2, "grade_bands": ""},
    }  # fmt: skip
    snapshot = ResultSnapshot(
        pk=1, round=round_, created_at=datetime(2026, 1, 1, tzinfo=UTC), method=method, engine_version="1",
        seed=1, draws=0, digest="0" * 64,
    )  # fmt: skip
    none = np.full(scored.score.shape, np.nan)
    return Results(
        snapshot=snapshot, gathered=gathered, state=scored.state, self_score=scored.self_score, score=scored.score,
        effective_weight=scored.effective_weight, points=scored.points, points_lost=scored.points_lost,
        rank=np.asarray(scored.rank, dtype=np.float64), rank_low=none, rank_high=none,
    )  # fmt: skip


def contents():
    """Everything that comes from the result itself: the list of evidence is a query of its own."""
    from scoring.exporters import Contents

    return Contents(evidence=False)


def workbook(cities: int) -> list[Row]:
    results = results_of(cities)
    from scoring.exporters import write_results_workbook

    file = io.BytesIO()
    write_results_workbook(results, file, contents())
    sheets = cells_of(file.getvalue())
    count = sum(len(line) for lines in sheets.values() for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        ours, least = side_by_side(
            lambda: write(
                Path(folder) / "ours.xlsx", lambda out: write_results_workbook(results, out, contents())
            ),
            lambda: write(Path(folder) / "floor.xlsx", lambda out: plain(sheets, out)),
            runs=2 if cities == LARGE else 3,
        )
    large = cities == LARGE
    peak = peak_megabytes(cities) if large else 0.0
    note = f"{count:,} cells" + (f"; peak {peak:.0f} MB ≤ {MOST_MEGABYTES}" if large else "")
    found = [
        Row(
            f"8 results workbook written, {cities} × 60 × 3", ours, least, 1.5 if large else None, note,
            peak <= MOST_MEGABYTES,
        )
    ]  # fmt: skip
    return [*found, reading(file.getvalue(), cities)]


def write(path: Path, how) -> None:
    with path.open("wb") as out:
        how(out)


def cells_of(content: bytes) -> dict[str, list[list]]:
    """Every cell that was written, sheet by sheet and row by row: (column, kind, value)."""
    import re
    import zipfile
    from html import unescape

    kinds = re.compile(
        r'<c r="([A-Z]+)\d+"[^>]*?(t="inlineStr")?>(?:<is><t[^>]*>([^<]*)</t></is>|<f[^>]*>([^<]*)</f><v>([^<]*)</v>'
        r"|<v>([^<]*)</v>)</c>"
    )
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in names:
            lines = []
            for line in archive.read(name).decode().split("</row>")[:-1]:
                row = []
                for letters, _inline, text, formula, cached, number in kinds.findall(line):
                    column = 0
                    for letter in letters:
                        column = column * 26 + ord(letter) - 64
                    if formula:
                        row.append((column - 1, "f", (f"={unescape(formula)}", unescape(cached))))
                    elif number:
                        row.append((column - 1, "n", float(number)))
                    else:
                        row.append((column - 1, "s", unescape(text)))
                lines.append(row)
            found[name] = lines
    return found


def plain(sheets: dict[str, list[list]], out) -> None:
    """The floor of row 8: the same cells, one by one, as XlsxWriter's manual says."""
    import xlsxwriter

    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        style = book.add_format({"num_format": "0.0"})
        for lines in sheets.values():
            sheet = book.add_worksheet()
            number, text, formula = sheet.write_number, sheet.write_string, sheet.write_formula
            for row, cells in enumerate(lines):
                for column, kind, value in cells:
                    if kind == "n":
                        number(row, column, value, style)
                    elif kind == "s":
                        text(row, column, value, style)
                    else:
                        formula(row, column, value[0], style, value[1])


def peak_megabytes(cities: int) -> float:
    """The most memory that a process of its own holds while it makes the result and writes it, Django included."""
    code = (
        "import resource, tempfile; from tests.benchmarks import exporting; results = exporting.results_of("
        f"{cities}); from scoring.exporters import write_results_workbook; file = tempfile.TemporaryFile();"
        "write_results_workbook(results, file, exporting.contents()); file.close();"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    )
    return float(done.stdout.splitlines()[-1])


# --- reading -------------------------------------------------------------------------------------------------


def reading(content: bytes, cities: int) -> Row:
    """Row 9: the sheet of all scores through the reader of the house, which checks and locates, beside calamine."""
    import python_calamine

    from indicators.workbooks import Limits, read_book

    sheet = only("得分", content)
    limits = Limits(max_bytes=1 << 30, max_unpacked=1 << 32, max_cells=1 << 24, max_rows=1 << 20)

    def ours():
        return read_book(io.BytesIO(sheet), limits)["得分"].rows

    def floor():
        return (
            python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sheet))
            .get_sheet_by_index(0)
            .to_python()
        )

    assert len(ours()) == len(floor()) == cities + 1
    mine, least = side_by_side(ours, floor, runs=5)
    return Row(
        f"9 the scores read back, {cities} × {data_columns()}", mine, least, 2.0 if cities == LARGE else None
    )


def data_columns() -> int:
    return len(data.tree().codes) + 2


def only(name: str, content: bytes) -> bytes:
    """A workbook with just this sheet, values in place of formulas."""
    import python_calamine
    import xlsxwriter

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    lines = book.get_sheet_by_name(name).to_python()
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as made:
        sheet = made.add_worksheet(name)
        for row, cells in enumerate(lines):
            sheet.write_row(row, 0, cells)
    return out.getvalue()


# --- figures -------------------------------------------------------------------------------------------------


def heat() -> list[Row]:
    """Row 11: a heat figure of scores with its table, as every figure is built, and written as the page writes it."""
    from scoring.charts import base

    numbers = data.numbers(HEAT_CITIES)[0].tolist()
    cells = [[None if value != value else value for value in line] for line in numbers]  # noqa: PLR0124 — NaN
    cities = [f"城市{place}" for place in range(HEAT_CITIES)]
    leaves = [f"L{place}" for place in range(data.LEAVES)]
    about = base.About(source="性能测试")

    def ours():
        figure = base.build(
            about, "heat", title="热力图", finding="", layout=base.layout_of(800),
            traces=[{"type": "heatmap", "x": leaves, "y": cities, "z": cells}],
            columns=["城市", *leaves], rows=[[city, *line] for city, line in zip(cities, cells, strict=True)],
        )  # fmt: skip
        return json.dumps(figure["data"], ensure_ascii=False)

    def floor():
        return json.dumps(
            {"data": [{"type": "heatmap", "x": leaves, "y": cities, "z": cells}], "layout": {"height": 800}}
        )

    mine, least = side_by_side(ours, floor, runs=15)
    note = "figure and table; floor: dict + json"
    return [Row(f"11 heat figure, {HEAT_CITIES} × {data.LEAVES}", mine, least, 3.0, note)]


if __name__ == "__main__":
    from .measure import write as write_rows

    write_rows(rows(), Path(sys.argv[1]))
