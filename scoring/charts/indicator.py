"""All cities on one node."""

from collections.abc import Sequence

from scoring.charts.base import (
    LEGEND,
    MOST_CITIES,
    ROW,
    About,
    Figure,
    build,
    dots,
    layout_of,
    rows_axis,
    score_axis,
)
from scoring.queries import CityResult
from scoring.words import one_decimal


def indicator(about: About, cities: Sequence[CityResult], code: str, name: str) -> Figure | None:
    """All cities on one node, best first; None when nobody has a score there.

    Where no city has a rank, ranks are not for this reader: the cities stay in their order, and none is called first.
    """
    there = [city for city in cities if city.score(code) is not None]
    if not there:
        return None
    ranked = any(city.cells[code].rank is not None for city in there)
    if ranked:
        there.sort(key=lambda city: -(city.score(code) or 0))
    shown = there[:MOST_CITIES]
    scores = [city.score(code) for city in shown]
    own = [city.cells[code].self_score for city in shown]
    hover = [f"{city.name}：{one_decimal(score)}" for city, score in zip(shown, scores, strict=True)]
    own_hover = [
        f"{city.name}：自评 {one_decimal(score) or '无数据'}" for city, score in zip(shown, own, strict=True)
    ]
    traces = [dots(0, "得分", scores, hover), dots(1, "自评", own, own_hover)]
    layout = layout_of(
        100 + ROW * len(shown), yaxis=rows_axis([city.name for city in shown]), xaxis=score_axis([*scores, *own]),
        showlegend=True, legend=LEGEND, margin={"l": 8, "r": 16, "t": 32, "b": 8},
    )  # fmt: skip
    absent = len(cities) - len(there)
    finding = (
        f"{there[0].name}得分最高（{one_decimal(scores[0])}）" if ranked else f"{len(there)} 个城市有得分"
    )
    finding += f"；{absent} 个城市没有得分" if absent else ""
    finding += f"；图中只画前 {len(shown)} {'位' if ranked else '个'}" if len(there) > len(shown) else ""
    columns = ["城市", *(["名次"] if ranked else []), "得分", "自评"]
    rows = [
        [
            city.name,
            *([city.cells[code].rank] if ranked else []),
            city.score(code),
            city.cells[code].self_score,
        ]
        for city in shown
    ]
    title = f"{code} {name}：各城市得分"
    return build(
        about,
        "indicator",
        title=title,
        finding=finding + "。",
        traces=traces,
        layout=layout,
        columns=columns,
        rows=rows,
    )
