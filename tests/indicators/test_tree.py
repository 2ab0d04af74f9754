"""Every way in which a framework can be wrong, with the words it is told in."""

from dataclasses import replace
from decimal import Decimal

import pytest

from indicators.rows import ItemRow, LevelRow
from indicators.tree import canonical, errors, node_specs, notices, preorder, validate
from scoring.engine.tree import Tree
from tests.indicators.books import change, change_item, change_level, node, quantity, sound

D = Decimal
MAIN = "工作表“指标体系”"
LEVELS = "工作表“评分标准”"
ITEMS = "工作表“要点”"


def without(data, *codes):
    return replace(data, indicators=tuple(row for row in data.indicators if row.code not in codes))


def plus(data, *rows):
    return replace(data, indicators=data.indicators + rows)


def test_sound_framework_has_no_problems():
    assert validate(sound(), for_publishing=True) == []


ERRORS = [
    # the tree
    (lambda d: plus(d, quantity("A1", "A", row=9)), f"{MAIN}第 9 行“编号”：“A1”与第 3 行重复。"),
    (lambda d: change(d, "A1", code=""), f"{MAIN}第 3 行“编号”：为空，必须填写。"),
    (lambda d: change(d, "A1", code="TOTAL"), f"{MAIN}第 3 行“编号”：“TOTAL”是保留的编号，代表总分。"),
    (lambda d: change(d, "A1", code="x" * 65), "共 65 个字符，超过 64 个。"),
    (lambda d: change(d, "A1", code="a/b"), f"{MAIN}第 3 行“编号”：“a/b”含有不能用于编号的字符。"),
    (lambda d: change(d, "A1", code="a\nb"), f"{MAIN}第 3 行“编号”：“a b”含有不能用于编号的字符。"),
    (lambda d: change(d, "A1", parent="Z"), f"{MAIN}第 3 行“上级编号”：“Z”在“编号”一列中不存在。"),
    (lambda d: change(d, "A", parent="A"), f"{MAIN}第 2 行“上级编号”：“A”使上下级关系形成循环。"),
    (
        lambda d: change(change(d, "A", parent="A1"), "A1", kind=""),
        f"{MAIN}第 2 行“上级编号”：“A1”使上下级关系形成循环。",
    ),
    (lambda d: change(d, "A1", kind=""), f"{MAIN}第 3 行“类型”：为空：指标“A1”没有下级指标，必须有类型。"),
    (
        lambda d: change(d, "A", kind="rubric"),
        f"{MAIN}第 2 行“类型”：“rubric”多余：指标“A”有下级指标，不能再有类型。",
    ),
    (lambda d: change(d, "A1", kind="number"), f"{MAIN}第 3 行“类型”：“number”不是可用的类型。"),
    (lambda d: change(d, "A1", name_zh="名" * 201), "共 201 个字符，超过 200 个。"),
    (lambda d: replace(d, indicators=(), levels=(), items=()), f"{MAIN}：没有任何指标。"),
    (lambda d: without(d, "A", "A1", "A2", "B"), f"{MAIN}：只有加分项，没有计分的维度。"),
    # weights and points
    (lambda d: change(d, "A1", points=None, weight=D(-1)), f"{MAIN}第 3 行“权重”：“-1”应为不小于 0 的数。"),
    (lambda d: change(d, "A1", points=D(-1)), f"{MAIN}第 3 行“分值”：“-1”应为不小于 0 的数。"),
    (lambda d: change(d, "A1", points="二十"), f"{MAIN}第 3 行“分值”：“二十”不是数字。"),
    (
        lambda d: change(d, "A1", points=D("20.1234567890123456")),
        "“20.1234567890123456”超过 15 位小数。请自行取舍",
    ),
    (lambda d: change(d, "A1", points=D("1E+15")), "“1000000000000000”过大。"),
    (lambda d: change(d, "A1", weight=D(3)), f"{MAIN}第 3 行“权重”：“3”与同一行的分值“20”不一致。"),
    (
        lambda d: change(change(d, "A1", weight=D(1)), "A2", weight=D(1)),
        f"{MAIN}第 4 行“权重”：“1”与同一行的分值“40”不一致。",
    ),
    # scoring
    (lambda d: change(d, "A1", curve="0:0|0:100"), f"{MAIN}第 3 行“评分曲线”：“0:0|0:100”无法识别（"),
    (lambda d: change(d, "A1", curve="log;0:0|9:100"), "“log;0:0|9:100”无法识别（"),
    (lambda d: change(d, "A1", curve=""), f"{MAIN}第 3 行“评分曲线”：为空：定量指标“A1”需要评分曲线。"),
    (lambda d: change(d, "A1", curve="", normalise="curve"), "为空：定量指标“A1”需要评分曲线。"),
    (lambda d: change(d, "A1", normalise="minmax:9"), f"{MAIN}第 3 行“归一化”：“minmax:9”无法识别（"),
    (lambda d: change(d, "A1", direction="2"), f"{MAIN}第 3 行“方向”：“2”不是可用的方向。"),
    (lambda d: change(d, "A", aggregation="sum"), f"{MAIN}第 2 行“汇总方式”：“sum”不是可用的汇总方式。"),
    (lambda d: change(d, "A1", evidence_min=D("1.5")), f"{MAIN}第 3 行“最少材料数”：“1.5”应为整数。"),
    (lambda d: change(d, "A1", evidence_min=D(-1)), "“-1”应在 0 到 1000 之间。"),
    (
        lambda d: change(d, "A1", evidence_kinds="pdf;exe"),
        f"{MAIN}第 3 行“材料类型”：“pdf;exe”含有不能作为佐证材料的类型：exe。可用：pdf、ofd",
    ),
    (
        lambda d: change(d, "A1", evidence_max_mb=D(0)),
        f"{MAIN}第 3 行“材料大小上限”：“0”应在 1 到 1000 之间。",
    ),
    (lambda d: change(d, "A1", evidence_years="两年"), f"{MAIN}第 3 行“材料年限”：“两年”不是数字。"),
    (lambda d: change(d, "H1", points=D(0)), f"{MAIN}第 7 行“分值”：“0”应大于 0：它是加分项“H1”的最高分。"),
    (lambda d: change(d, "H1", points=None), f"{MAIN}第 7 行“分值”：为空：加分项“H1”必须有最高分。"),
    # levels
    (lambda d: replace(d, levels=()), f"{MAIN}第 4 行“编号”：“A2”没有评分等级："),
    (
        lambda d: change_level(d, "B", indicator="Z"),
        f"{LEVELS}第 3 行“指标编号”：“Z”在工作表“指标体系”中不存在。",
    ),
    (
        lambda d: replace(d, levels=(*d.levels, LevelRow("A1", "A", "", D(0), D(9), row=9))),
        f"{LEVELS}第 9 行“指标编号”：“A1”的类型不是 rubric 或 bonus，不能有评分标准。",
    ),
    (lambda d: change_level(d, "B", level="A"), f"{LEVELS}第 3 行“等级”：“A”在指标“A2”下重复。"),
    (lambda d: change_level(d, "B", level=""), f"{LEVELS}第 3 行“等级”：为空，必须填写。"),
    (lambda d: change_level(d, "B", score_min=D("60.5")), f"{LEVELS}第 3 行“最低分”：“60.5”应为整数。"),
    (lambda d: change_level(d, "A", score_max=D(101)), f"{LEVELS}第 2 行“最高分”：“101”应在 0 到 100 之间。"),
    (lambda d: change_level(d, "A", score_max=None), f"{LEVELS}第 2 行“最高分”：为空：等级“A”须有分数区间。"),
    (lambda d: change_level(d, "A", score_min="九十"), f"{LEVELS}第 2 行“最低分”：“九十”不是数字。"),
    (
        lambda d: change_level(d, "B", score_min=D(90)),
        f"{LEVELS}第 3 行“最低分”：“90”大于同一等级的最高分“89”。",
    ),
    (
        lambda d: change_level(d, "B", score_max=D(90)),
        f"{LEVELS}第 3 行“最高分”：“90”使等级“B”与“A”的分数区间重叠。",
    ),
    (
        lambda d: replace(d, levels=(d.levels[0], d.levels[2], d.levels[1])),
        f"{LEVELS}第 3 行“最低分”：“60”使等级“B”的顺序不一致。",
    ),
    # items
    (lambda d: replace(d, items=()), f"{MAIN}第 5 行“编号”：“B”没有要点："),
    (
        lambda d: change_item(d, "2", indicator="A2"),
        f"{ITEMS}第 3 行“指标编号”：“A2”的类型不是 checklist，不能有要点。",
    ),
    (lambda d: change_item(d, "2", item="1"), f"{ITEMS}第 3 行“序号”：“1”在指标“B”下重复。"),
    (lambda d: change_item(d, "2", item="1;2"), f"{ITEMS}第 3 行“序号”：“1;2”含有分号"),
    (
        lambda d: change_item(d, "2", score=D(39)),
        f"{ITEMS}第 2 行“指标编号”：“B”的要点分值合计为 99，应为 100。",
    ),
    (lambda d: change_item(d, "2", score=None), f"{ITEMS}第 3 行“分值”：为空：要点“2”须有分值。"),
    (lambda d: change_item(d, "2", score=D(-40)), f"{ITEMS}第 3 行“分值”：“-40”应为不小于 0 的数。"),
    # the framework itself
    (lambda d: replace(d, code=""), "工作表“说明”“代码”：为空，必须填写。"),
    (lambda d: replace(d, edition="1/2"), "工作表“说明”“版本”：“1/2”含有不能用于编号的字符。"),
    (
        lambda d: replace(d, about_rows={"aggregation": 7}, aggregation="mean"),
        "工作表“说明”第 7 行“汇总方式”：“mean”不是",
    ),
    (
        lambda d: replace(d, missing="skip"),
        "工作表“说明”“缺失处理”：“skip”不是可用的缺失处理。可用：zero、exclude。",
    ),
    (lambda d: replace(d, minimum_share=D("1.1")), "工作表“说明”“最低数据占比”：“1.1”应在 0 到 1 之间。"),
    (lambda d: replace(d, minimum_share="多数"), "工作表“说明”“最低数据占比”：“多数”不是数字。"),
    (lambda d: replace(d, floor=D(0)), "工作表“说明”“几何下限”：“0”应为大于 0 的数。"),
    (lambda d: replace(d, bonus_cap=D(-5)), "工作表“说明”“加分上限”：“-5”应在 0 到 1000000000 之间。"),
    (lambda d: replace(d, rank_decimals=D(10)), "工作表“说明”“排名小数位”：“10”应在 0 到 9 之间。"),
]


@pytest.mark.parametrize(("spoil", "words"), ERRORS)
def test_every_error_says_where_what_and_why(spoil, words):
    found = errors(validate(spoil(sound()), for_publishing=False))
    assert any(words in str(problem) for problem in found), [str(problem) for problem in found]
    assert all("\n" not in str(problem) for problem in found)


UNFINISHED = [
    (
        lambda d: change(d, "A1", points=D(18)),
        f"{MAIN}第 2 行“分值”：A 下合计 58 分，比 A 的 60 分少 2 分——不能发布。",
    ),
    (
        lambda d: change(d, "A1", points=D("20.5")),
        f"{MAIN}第 2 行“分值”：A 下合计 60.5 分，比 A 的 60 分多 0.5 分——不能发布。",
    ),
    (lambda d: change(d, "A1", points=None), f"{MAIN}第 3 行“分值”：指标“A1”没有填写分值。"),
    (
        lambda d: change(d, "A1", points=None, weight=D(1)),
        f"{MAIN}第 3 行“权重”：“1”是权重，而“A”下的其他指标填的是分值。",
    ),
    (
        lambda d: change(
            change(change(d, "A1", points=D(0)), "A2", points=D(0)), "A", points=None, weight=None
        ),
        f"{MAIN}第 2 行“分值”：“A”下各指标的分值合计为 0。至少一个指标须大于 0。",
    ),
]


@pytest.mark.parametrize(("spoil", "words"), UNFINISHED)
def test_what_hinders_publishing_is_only_a_notice_for_a_draft(spoil, words):
    data = spoil(sound())
    assert errors(validate(data, for_publishing=False)) == []
    assert any(words in str(problem) for problem in notices(validate(data, for_publishing=False)))
    assert any(words in str(problem) for problem in errors(validate(data, for_publishing=True)))


NOTICES = [
    (
        lambda d: change_level(d, "C", score_max=D(50)),
        "“50”与等级“B”之间有空档：50 到 60 之间的分数没有等级。",
    ),
    (lambda d: change(d, "A1", normalise="rank"), "“0:0|1:100”不起作用：本指标在轮次内归一化。"),
    (lambda d: change(d, "A1", direction="-1"), "“-1”不起作用：方向只用于轮次内归一化的指标"),
    (lambda d: change(d, "A2", curve="0:0|1:100"), "不起作用：只用于类型为 quantity 的指标。"),
    (lambda d: change(d, "A1", aggregation="geometric"), "“geometric”不起作用：这一行没有下级指标。"),
]


@pytest.mark.parametrize(("spoil", "words"), NOTICES)
def test_what_deserves_attention_is_a_notice_and_publishes(spoil, words):
    found = validate(spoil(sound()), for_publishing=True)
    assert errors(found) == []
    assert any(words in str(problem) for problem in notices(found))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: change(d, "A1", curve="", normalise="zscore", direction="-1"),
        lambda d: change(change(d, "A1", weight=D(1)), "A2", weight=D(2)),
        lambda d: change(change(d, "A1", points=None, weight=D("0.1")), "A2", points=None, weight=D("0.9")),
        lambda d: change(d, "H1", points=None, weight=D(3)),
        lambda d: change(change(d, "H", points=None), "H1", parent="A"),
        lambda d: replace(d, levels=tuple(reversed(d.levels))),
        lambda d: replace(d, levels=(*d.levels, LevelRow("H1", "A", "", D(0), D(100), row=9))),
        lambda d: change(
            change(d, "A1", points=D("0.123456789012345")), "A2", points=D("59.876543210987655")
        ),
    ],
    ids=[
        "across",
        "consistent",
        "weights",
        "bonus-weight",
        "bonus-in-group",
        "ascending",
        "bonus-levels",
        "fifteen",
    ],
)
def test_what_is_allowed(spoil):
    data = spoil(sound())
    if not any(row.parent == "H" for row in data.indicators):
        data = without(data, "H")
    assert errors(validate(data, for_publishing=True)) == []


def test_rows_may_come_in_any_order():
    data = sound()
    shuffled = replace(data, indicators=data.indicators[::-1], items=data.items)
    assert errors(validate(shuffled, for_publishing=True)) == []
    assert [row.code for row in preorder(shuffled.indicators)] == ["H", "H1", "B", "A", "A2", "A1"]


def test_canonical_keeps_the_order_of_siblings_and_groups_details():
    data = sound()
    mixed = replace(
        data,
        indicators=(data.indicators[1], data.indicators[0], *data.indicators[2:]),
        items=(*data.items, ItemRow("A", "9", D(1), "")),
    )
    ordered = canonical(mixed)
    assert [row.code for row in ordered.indicators] == ["A", "A1", "A2", "B", "H", "H1"]
    assert [row.indicator for row in ordered.items] == ["A", "B", "B"]


def test_specs_make_the_engines_tree():
    tree = Tree.build(node_specs(sound()))
    assert tree.leaf_codes == ("A1", "A2", "B", "H1")
    weights = [tree.global_weight[tree.index[code]] for code in ("A1", "A2", "B")]
    assert weights == pytest.approx([0.2, 0.4, 0.4], abs=1e-15)
    assert tree.bonus_maximum[tree.index["H1"]] == 5


def test_a_deep_tree_needs_no_recursion():
    rows = [node("L0", weight=D(1))]
    rows += [node(f"L{depth}", f"L{depth - 1}", weight=D(1)) for depth in range(1, 400)]
    data = replace(sound(), indicators=(*rows, quantity("X", "L399", weight=D(1))), levels=(), items=())
    assert errors(validate(data, for_publishing=True)) == []


def test_only_the_rows_of_a_loop_are_blamed():
    rows = (quantity("A", weight=D(1)), node("B", "C"), node("C", "B"), quantity("D", "C"))
    found = errors(validate(replace(sound(), indicators=rows, levels=(), items=()), for_publishing=False))
    assert [problem.value for problem in found] == ["C", "B"]
