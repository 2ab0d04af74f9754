"""A framework's tree, loaded at once."""

import pytest

from indicators import actions
from indicators.presenters import detail_rows, plot, scoring_words
from indicators.queries import engine_rules_of, find_framework, load_tree, newest_published
from indicators.reference import reference_framework
from scoring.engine.curves import parse_curve
from tests import make
from tests.indicators.books import change, sound

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("reference", [False, True])
def test_the_whole_tree_takes_three_queries(reference, django_assert_num_queries):
    framework = make.framework()
    if reference:
        framework = actions.import_framework(reference_framework()).framework
    with django_assert_num_queries(3):
        tree = load_tree(framework)
        assert tree.engine.leaf_codes == tuple(leaf.code for leaf in tree.leaves)
        assert len(detail_rows(tree)) == len(tree.rows) == len(tree.by_code)
        for leaf in tree.leaves:
            assert leaf.framework is framework
            assert leaf.parent.code
            assert len(leaf.level_list) + len(leaf.item_list) >= 0


def test_rows_know_their_weights_points_levels_and_items():
    tree = load_tree(make.framework())
    rows = {row.indicator.code: row for row in tree.rows}
    assert [(code, row.depth) for code, row in rows.items()] == [
        ("A", 0), ("A1", 1), ("A2", 1), ("B", 0), ("B1", 1), ("H", 0), ("H1", 1),
    ]  # fmt: skip
    assert rows["A1"].local_weight == 0.5
    assert rows["A1"].global_weight == pytest.approx(0.3, abs=1e-15)
    assert rows["A1"].points == pytest.approx(30, abs=1e-12)
    assert rows["A1"].knots == ((0, 0), (50, 80), (100, 100))
    assert [level.level for level in rows["A2"].levels] == ["A", "B", "C", "D"]
    assert [item.item for item in rows["B1"].items] == ["1", "2"]
    assert rows["H"].is_bonus
    assert (rows["H1"].local_weight, rows["H1"].points, rows["H1"].maximum) == (None, None, 5)
    assert [dimension.code for dimension in tree.dimensions] == ["A", "B"]


def test_rules_come_from_the_framework():
    rules = engine_rules_of(
        make.framework(aggregation="geometric", missing="exclude", floor=2, bonus_cap=5, minimum_share=0.5)
    )
    assert (rules.aggregation, rules.missing, rules.floor, rules.bonus_cap, rules.minimum_share) == (
        "geometric", "exclude", 2, 5, 0.5,
    )  # fmt: skip


def test_the_newest_published_edition():
    old, new = make.framework(code="X", edition="2"), make.framework(code="X", edition="1")
    make.framework(code="X", edition="3", published=False)
    assert newest_published("X") == new
    assert find_framework("X", "2") == old
    assert find_framework("X", "3").is_draft
    assert find_framework("X", "4") is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"curve": "", "normalise": "zscore"}, "与本轮各城市比较：标准分，平均值得 50 分，每个标准差 10 分"),
        (
            {"curve": "", "normalise": "minmax:10:90", "direction": "-1"},
            "与本轮各城市比较：最低值得 10 分，最高值得 90 分（逆向指标，数值越小越好）",
        ),
        ({"curve": "", "normalise": "target:95"}, "与本轮各城市比较：最低值得 0 分，达到目标值 95 得 100 分"),
        (
            {"curve": "log;100:0|75000:100"},
            "100 得 0 分，75000 得 100 分；节点之间按对数插值，两端以外取端点得分",
        ),
    ],
)
def test_scoring_in_words(values, words):
    framework = actions.import_framework(change(sound(), "A1", **values)).framework
    row = next(row for row in load_tree(framework).rows if row.indicator.code == "A1")
    assert scoring_words(row) == words


def test_a_curve_is_drawn_between_its_ends_on_its_own_scale():
    drawn = plot(parse_curve("log;1:0|10:50|100:100"))
    (x0, y0), (x1, y1), (x2, y2) = drawn.knots
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)
    assert (y0, y1, y2) == (45, 24, 3)
    assert drawn.line.startswith("3,45 ")
    assert drawn.line.endswith(" 117,3")
