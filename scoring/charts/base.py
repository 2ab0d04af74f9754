"""What every figure is made of.

A builder returns what `_figure.html` shows. Names come from people: Plotly reads mark-up in labels, so they are
escaped. Unassessed is a gap, never 0.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indicators.workbooks import csv_text
from scoring.words import DEMO, PILOT, one_decimal

Figure = dict[str, Any]

COLOURS = ("#134A8E", "#B26210", "#277F63", "#4F2431", "#3E9AD7")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
GREY, VIOLET, PALE = "#6B7480", "#5B3A86", "#B9CFE9"
MOST_CITIES = 60  # dots that a screen can hold; the table beside it has them all
ROW = 26


@dataclass(frozen=True)
class About:
    """What every figure of a page says about its data."""

    source: str
    is_demo: bool = False
    csv_url: str = "?csv={id}"
    is_pilot: bool = False

    @property
    def mark(self) -> str:
        """The kind of data, for the title and the corner of a figure; empty for a proper round."""
        return "、".join(word for word, holds in ((DEMO, self.is_demo), (PILOT, self.is_pilot)) if holds)


def build(
    about: About,
    identifier: str,
    *,
    title: str,
    finding: str,
    traces: list[dict[str, Any]],
    layout: dict[str, Any],
    columns: Sequence[str],
    rows: list[list[Any]],
) -> Figure:
    """A figure with its table. `rows` hold exact numbers: the table shows them with one decimal, the CSV as they are."""
    numeric = [
        place for place in range(1, len(columns)) if any(isinstance(row[place], int | float) for row in rows)
    ]
    if about.mark:
        title = f"{title}（{about.mark}）"
        layout = _marked(layout, about.mark)
    return {
        "id": identifier,
        "title": title,
        "finding": finding,
        "data": {"data": traces, "layout": layout},
        "table": {
            "columns": list(columns),
            "rows": [[_shown(cell) for cell in row] for row in rows],
            "numeric": numeric,
        },
        "raw": rows,
        "source": about.source,
        "csv_url": about.csv_url.format(id=identifier),
    }


def figure_csv(figure: Figure) -> str:
    """The figure's table in full precision."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(figure["table"]["columns"])
    for row in figure["raw"]:
        writer.writerow(
            "" if cell is None else csv_text(cell) if isinstance(cell, str) else cell for cell in row
        )
    return text.getvalue()


def _shown(cell: Any) -> Any:
    return one_decimal(cell) if isinstance(cell, float) else cell


def _marked(layout: dict[str, Any], words: str) -> dict[str, Any]:
    mark = {
        "text": words, "xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom",
        "showarrow": False, "font": {"color": VIOLET},
    }  # fmt: skip
    return layout | {
        "annotations": [*layout.get("annotations", []), mark],
        "margin": layout["margin"] | {"t": layout["margin"]["t"] + 20},
    }


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _score_range(scores: Sequence[float | None]) -> list[float]:
    """0–100, wider where a bonus or a z-score goes beyond."""
    there = [score for score in scores if score is not None]
    return [min(0.0, *there, 0.0), max(100.0, *there, 100.0)]


def layout_of(height: int, **more: Any) -> dict[str, Any]:
    return {"height": height, "margin": {"l": 8, "r": 16, "t": 8, "b": 8}, "showlegend": False} | more


def score_axis(scores: Sequence[float | None], **more: Any) -> dict[str, Any]:
    low, high = _score_range(scores)
    pad = (high - low) * 0.02
    return {
        "title": {"text": "得分"},
        "range": [low - pad, high + pad],
        "automargin": True,
        "zeroline": False,
    } | more


def rows_axis(names: Sequence[str]) -> dict[str, Any]:
    """Names down the side, the first on top; placed by number, so that two equal names stay two rows."""
    return {
        "tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [escaped(name) for name in names],
        "range": [len(names) - 0.5, -0.5], "automargin": True, "zeroline": False,
    }  # fmt: skip


def dots(
    number: int, name: str, x: Sequence[float | None], hover: Sequence[str], **more: Any
) -> dict[str, Any]:
    place = number % len(COLOURS)
    return {
        "type": "scatter", "mode": "markers", "name": escaped(name), "x": list(x), "y": list(range(len(x))),
        "marker": {"color": COLOURS[place], "symbol": SYMBOLS[place], "size": 10},
        "hovertext": [escaped(text) for text in hover], "hoverinfo": "text",
    } | more  # fmt: skip


LEGEND = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"}
