"""Figures: valid for plotly, the same numbers as their tables, unassessed never 0."""

import json
from itertools import pairwise

import pytest

from scoring import charts
from scoring.charts import About, Axis
from scoring.engine import Waterfall
from scoring.queries import TOTAL, Cell, CityResult, overlapping_leaders
from scoring.words import one_decimal

ABOUT = About(source="第一轮", is_demo=False)


def cell(score, rank=None, interval=None, state=None, self_score=None):
    low, high = interval or (None, None)
    state = state or ("value" if score is not None else "not_assessed")
    return Cell(state, self_score, score, None, None, None, rank, low, high)


def city(code, score, rank=None, interval=None, **nodes):
    cells = {TOTAL: cell(score, rank, interval)} | {node: cell(value) for node, value in nodes.items()}
    return CityResult(code, f"{code}市", cells)


CITIES = [
    city("甲", 90.25, 1, (1, 2), A=95.0, B=None),
    city("乙", 88.0, 2, (1, 3), A=80.0, B=70.0),
    city("丙", 60.0, 3, (3, 3), A=50.0, B=75.0),
    city("丁", None, None, A=None, B=None),
]


def check(figure):
    """Valid for plotly's schema, serialisable, and with a table of the right shape."""
    import plotly.graph_objects as go

    data = json.loads(json.dumps(figure["data"], allow_nan=False))
    go.Figure(data=data["data"], layout=data["layout"])
    assert figure["finding"].endswith("。")
    for row in figure["table"]["rows"]:
        assert len(row) == len(figure["table"]["columns"])
    return figure["data"]["data"], figure["data"]["layout"]


def test_ranking_shows_dots_intervals_and_reads_them():
    figure = charts.ranking(ABOUT, CITIES)

    (dots, ranks), layout = check(figure)
    assert dots["x"] == [90.25, 88.0, 60.0]  # the city without a score is no dot at 0
    assert layout["yaxis"]["ticktext"] == ["甲市", "乙市", "丙市"]
    assert ranks["error_x"]["array"] == [1, 1, 0]
    assert ranks["error_x"]["arrayminus"] == [0, 1, 0]
    assert (
        figure["finding"]
        == "甲市得分最高（90.3 分）；前 2 位区间重叠，名次先后不宜过度解读；1 个城市未评定，不参加排名。"
    )
    assert figure["table"]["rows"][0] == ["甲市", 1, "1–2", "90.3"]
    assert figure["table"]["numeric"] == [1, 3]
    assert "90.25" in charts.figure_csv(figure)


def test_ranking_without_draws_without_cities_and_with_a_shared_first_place():
    plain = [city("甲", 80.0, 1), city("乙", 80.0, 1)]
    figure = charts.ranking(ABOUT, plain)

    (_,), layout = check(figure)
    assert "xaxis2" not in layout
    assert figure["finding"] == "甲市、乙市并列第一（80.0 分）。"
    assert charts.ranking(ABOUT, [CITIES[3]]) is None
    assert charts.ranking_finding([], 3) == "目前还没有城市取得总分，暂不排名。"


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([(1, 1), (2, 3), (2, 3)], 1),
        ([(1, 2), (1, 3), (2, 3)], 3),
        ([(1, 2), (1, 2), (3, 3)], 2),
        ([None, None], 0),
        ([], 0),
    ],
)
def test_overlapping_leaders(intervals, expected):
    ranked = [city(str(place), 1.0, place, interval) for place, interval in enumerate(intervals, 1)]

    assert overlapping_leaders(ranked) == expected


def test_ranking_of_very_many_cities_draws_the_first_and_says_so():
    many = [city(f"{place:04d}", 100 - place / 30, place, (place, place)) for place in range(1, 2844)]

    figure = charts.ranking(ABOUT, many)

    traces, _ = check(figure)
    assert len(traces[0]["x"]) == len(figure["table"]["rows"]) == charts.MOST_CITIES
    assert f"图中只画前 {charts.MOST_CITIES} 位" in figure["finding"]


def test_demo_is_said_in_title_and_picture():
    figure = charts.ranking(About(source="", is_demo=True), CITIES)

    _, layout = check(figure)
    assert figure["title"] == "总分排名（演示数据）"
    assert layout["annotations"][0]["text"] == "演示数据"


AXES = [
    Axis("A", "组织", 90.0, 80.0, 95.0),
    Axis("B", "资源", 60.0, 70.0, 88.0),
    Axis("C", "成效", None, 50.0, 60.0),
]


def test_dimensions():
    figure = charts.dimensions(ABOUT, "甲市", AXES)

    traces, _ = check(figure)
    assert [(trace["name"], trace["marker"]["symbol"], trace["marker"]["color"]) for trace in traces] == [
        ("甲市", "circle", "#134A8E"), ("中位数", "square", "#B26210"), ("最高", "diamond", "#277F63"),
    ]  # fmt: skip
    assert traces[0]["x"] == [90.0, 60.0, None]
    assert figure["table"]["rows"][2] == ["C 成效", None, "50.0", "60.0"]
    assert figure["finding"] == (
        "甲市有 1 个维度达到或超过中位数（共 2 个）；领先最多的是A 组织（高 10.0 个百分点）；"
        "差距最大的是B 资源（低 10.0 个百分点）；C 成效没有得分。"
    )


def test_radar_is_fixed_to_100_and_closed():
    figure = charts.radar(ABOUT, "甲市", AXES)

    traces, layout = check(figure)
    assert layout["polar"]["radialaxis"]["range"] == [0, 100]
    assert traces[0]["r"] == [90.0, 60.0, None, 90.0]
    assert len(traces) == 2
    assert figure["finding"] == "甲市在 1 个维度上高于中位数：A 组织。"


@pytest.mark.parametrize("count", [2, 9])
def test_radar_needs_three_to_eight_axes(count):
    assert charts.radar(ABOUT, "甲市", [Axis(str(n), "维", 1.0, 1.0, 1.0) for n in range(count)]) is None


def test_radar_of_a_city_without_scores_is_none():
    assert charts.radar(ABOUT, "甲市", [Axis(str(n), "维", None, 1.0, 1.0) for n in range(4)]) is None


def test_waterfall_sums_to_the_total():
    lost = Waterfall([("A", 12.5), ("B", 20.25)], False, 2.0, 69.25)

    figure = charts.lost_points(ABOUT, "甲市", lost, {"A": "组织", "B": "资源"})

    (trace,), layout = check(figure)
    assert trace["y"] == [100.0, -12.5, -20.25, 2.0, 69.25]
    assert sum(trace["y"][:-1]) == trace["y"][-1]
    assert trace["measure"] == ["absolute", "relative", "relative", "relative", "total"]
    assert layout["xaxis"]["ticktext"] == ["满分", "A", "B", "加分", "总分"]
    assert figure["table"]["rows"][-2:] == [["加分", "2.0", "69.3"], ["总分", "69.3", "69.3"]]
    assert figure["finding"] == "甲市共失 32.8 分，另有加分 2.0；失分最多的是B 资源（20.3）、A 组织（12.5）。"


def test_waterfall_without_a_total_is_none_and_says_when_it_is_sequential():
    nan = float("nan")
    assert charts.lost_points(ABOUT, "甲市", Waterfall([], False, nan, nan), {}) is None
    figure = charts.lost_points(ABOUT, "甲市", Waterfall([("A", 0.0)], True, 0.0, 100.0), {"A": "组织"})
    check(figure)
    assert "先后次序影响各步大小" in figure["title"]
    assert figure["finding"] == "甲市没有失分，总分 100.0。"


def test_comparison_of_two_is_a_dumbbell_and_of_three_dots():
    nodes = [("A", "组织"), ("B", "资源")]
    two, three = charts.comparison(ABOUT, CITIES[:2], nodes), charts.comparison(ABOUT, CITIES[:3], nodes)

    (joins, first, second), _ = check(two)
    assert joins["mode"] == "lines"
    assert joins["x"] == [95.0, 80.0, None]  # no line where one has no score
    assert (first["x"], second["x"]) == ([95.0, None], [80.0, 70.0])
    assert two["finding"] == "差异最大的是A 组织（相差 15.0 个百分点）。"
    traces, _ = check(three)
    assert [trace["mode"] for trace in traces] == ["markers"] * 3
    assert three["table"]["rows"] == [
        ["A 组织", "95.0", "80.0", "50.0", "45.0"],
        ["B 资源", None, "70.0", "75.0", "5.0"],
    ]


def test_indicator_leaves_out_who_has_no_score():
    ranked = [
        CityResult(one.code, one.name, one.cells | {"B": cell(one.score("B"), rank)})
        for one, rank in zip(CITIES, (None, 2, 1, None), strict=True)
    ]
    figure = charts.indicator(ABOUT, ranked, "B", "资源")

    traces, _ = check(figure)
    assert traces[0]["x"] == [75.0, 70.0]
    assert figure["finding"] == "丙市得分最高（75.0）；2 个城市没有得分。"
    assert charts.indicator(ABOUT, [CITIES[3]], "B", "资源") is None
    without, _ = check(charts.indicator(ABOUT, CITIES, "B", "资源"))
    assert without[0]["x"] == [70.0, 75.0]  # where ranks are not shown, not by score either


def test_names_are_no_markup():
    nasty = [CityResult("x", "<a href='javascript:1'>甲</a>&", {TOTAL: cell(50.0, 1)})]

    traces, layout = check(charts.ranking(ABOUT, nasty))

    assert layout["yaxis"]["ticktext"] == ["&lt;a href='javascript:1'&gt;甲&lt;/a&gt;&amp;"]
    assert "<" not in traces[0]["hovertext"][0]


def test_csv_of_a_figure_is_harmless():
    figure = charts.comparison(ABOUT, CITIES[:2], [("=A", "x")])

    assert charts.figure_csv(figure).splitlines()[1].startswith("'=A x")


@pytest.mark.parametrize(
    ("number", "shown"), [(2.25, "2.3"), (0.0, "0.0"), (99.95, "100.0"), (None, None), (float("nan"), None)]
)
def test_one_decimal_rounds_half_up(number, shown):
    assert one_decimal(number) == shown


# --- distribution, trend, slope --------------------------------------------------------------------------------


def test_a_distribution_counts_everybody_once_and_marks_the_chosen():
    scores = [12.0, 37.5, 55.0, 60.0, 60.0, 99.9, None]

    figure = charts.spread(ABOUT, scores, [("甲市", 60.0), ("乙市", None)])

    (bars, mark), _ = check(figure)
    assert sum(bars["y"]) == 6  # the city without a score is not in the lowest step
    assert [row[1] for row in figure["raw"]] == bars["y"]
    assert (mark["x"], mark["marker"]["symbol"]) == ([60.0], "circle")
    assert [row[0] for row in figure["raw"] if row[2] == "甲市"] == ["60–65"]
    assert figure["finding"] == (
        "6 个城市的中位数为 57.5，中间一半的城市在 41.9 至 60.0 之间；甲市（60.0）高于其中 3 个。"
    )
    assert charts.spread(ABOUT, [1.0, None, 2.0]) is None


@pytest.mark.parametrize(
    "scores", [[50.0] * 5, [-2.31, 0.0, 1.95], [0.0, 100.0, 104.5], [61.01, 61.02, 61.03]]
)
def test_a_distribution_holds_its_extremes(scores):
    (bars,), _ = check(charts.spread(ABOUT, scores))

    assert sum(bars["y"]) == len(scores)
    assert len(bars["y"]) <= 21


def test_a_trend_breaks_where_the_link_is_broken_and_says_so():
    series = [
        charts.Series("总分", (60.0, 70.0, 65.0), ("", "", "有下级指标不可比")),
        charts.Series("A 组织", (50.0, None, 80.0), ("", "", "")),
    ]

    figure = charts.trend(ABOUT, ["2021年", "2023年", "2025年"], series, title="历轮变化")

    (total, dimension), _ = check(figure)
    assert (total["x"], total["y"]) == ([0.0, 1.0, 1.5, 2.0], [60.0, 70.0, None, 65.0])
    assert dimension["y"] == [50.0, None, 80.0]
    assert total["connectgaps"] is False
    assert [row[-1] for row in figure["raw"]] == ["", "可比", "总分不可比：有下级指标不可比"]
    assert figure["finding"] == "总分与上一轮不可比（有下级指标不可比），线在此断开；A 组织有一轮没有得分。"
    assert charts.trend(ABOUT, ["2025年"], [charts.Series("总分", (60.0,), ("",))], title="") is None


MOVES = [
    charts.Move("a", "甲市", 60.0, 72.5, 3, 1),
    charts.Move("b", "乙市", 80.0, 70.0, 1, 2),
    charts.Move("c", "丙市", 70.0, 70.0, 2, 2),
    charts.Move("d", "丁市", None, 50.0, None, 4),
]


def test_a_slope_has_a_line_per_city_of_both_rounds_and_its_table():
    figure = charts.slope(ABOUT, ("去年", "今年"), MOVES, title="总分", ranks=True)

    (risen, fallen, same), layout = check(figure)
    assert (risen["y"], fallen["y"], same["y"]) == ([3.0, 1.0, None], [1.0, 2.0, None], [2.0, 2.0, None])
    assert len({trace["marker"]["symbol"] for trace in (risen, fallen, same)}) == 3
    assert layout["yaxis"]["autorange"] == "reversed"
    assert figure["raw"][0] == ["甲市", 60.0, 72.5, 12.5, 3, 1, 2]
    assert figure["finding"] == (
        "3 个城市两轮可比：名次上升 1 个，下降 1 个，不变 1 个；甲市提高最多（12.5 个百分点）。"
    )


def test_a_slope_without_ranks_shows_scores_and_no_rank():
    figure = charts.slope(ABOUT, ("去年", "今年"), MOVES, title="总分", ranks=False)

    traces, layout = check(figure)
    assert layout["yaxis"]["title"]["text"] == "得分"
    assert figure["table"]["columns"] == ["城市", "去年", "今年", "变化（百分点）"]
    assert "名" not in "".join(text for trace in traces for text in trace["hovertext"]).replace("名称", "")
    assert charts.slope(ABOUT, ("a", "b"), MOVES[3:], title="", ranks=True) is None


def test_the_ranking_of_a_later_page_shows_that_page_and_its_own_ranks():
    many = [city(f"{place:04d}", 100 - place / 30, place, (place, place + 1)) for place in range(1, 401)]

    figure = charts.ranking(ABOUT, many, page_has_all=True, page=many[200:])

    _traces, layout = check(figure)
    assert figure["raw"][0][:2] == ["0201市", 201]
    assert layout["xaxis2"]["range"] == [200.5, 261.5]
    assert figure["finding"].startswith("0001市得分最高")
    assert f"图中只画本页前 {charts.MOST_CITIES} 位。" in figure["finding"]


def test_peers_are_a_fourth_row_of_dots_and_a_city_alone_has_only_its_own():
    axes = [Axis("A", "组织", 90.0, 80.0, 95.0, 85.0)]

    traces, _ = check(charts.dimensions(ABOUT, "甲市", axes, peers="同级别城市"))
    assert [trace["name"] for trace in traces] == ["甲市", "中位数", "最高", "同级别城市中位数"]
    alone, _ = check(charts.dimensions(ABOUT, "甲市", axes, alone=True))
    assert [trace["name"] for trace in alone] == ["甲市"]


# --- readable in grey and without red or green -----------------------------------------------------------------


def linear(colour):
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def contrast(one, other):
    """WCAG 2: relative luminances of two linear colours."""
    high, low = sorted((0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def deuteranopia(colour):
    """Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB."""
    matrix = (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    )
    return [
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, linear(colour), strict=True)))) for row in matrix
    ]


def lightness(colour):
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), colour, strict=True))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_series_differ_in_shape_so_that_colour_is_never_needed():
    assert len(set(charts.SYMBOLS)) == len(charts.COLOURS) == len(set(charts.COLOURS)) == 5


@pytest.mark.parametrize("seen", [linear, deuteranopia])
def test_every_colour_of_a_series_stands_out_from_white(seen):
    for colour in charts.COLOURS:
        assert contrast(seen(colour), [1.0, 1.0, 1.0]) >= 3  # WCAG 1.4.11, graphical objects


def test_heat_steps_differ_in_grey_and_keep_their_numbers_readable():
    steps = ["#E3ECF7", "#B9CFE9", "#8FB2DA", "#6A9BCF", "#2F66A8", "#123C73"]
    inks = ["#1E242C"] * 4 + ["#FFFFFF"] * 2

    for seen in (linear, deuteranopia):
        light = [lightness(seen(step)) for step in steps]
        assert all(one - other > 6 for one, other in pairwise(light))
        for step, ink in zip(steps, inks, strict=True):
            assert contrast(seen(step), seen(ink)) >= 4.5


@pytest.mark.parametrize(
    ("gain", "loss"), [(charts.COLOURS[2], charts.COLOURS[1]), (charts.COLOURS[0], charts.COLOURS[1])]
)
def test_gain_and_loss_are_told_apart_without_colour(gain, loss):
    """In grey they may look alike: the waterfall prints signed numbers, the slope another shape."""
    lost = Waterfall([("A", 12.5)], False, 2.0, 89.5)
    (trace,), _ = check(charts.lost_points(ABOUT, "甲市", lost, {"A": "组织"}))
    assert trace["text"] == ["100.0", "-12.5", "2.0", "89.5"]
    blue_yellow = abs(deuteranopia(gain)[2] - deuteranopia(loss)[2])
    assert blue_yellow > 0.05
