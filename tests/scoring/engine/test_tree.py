import numpy as np
import pytest

from scoring.engine import Aggregation, NodeSpec, Rules, Tree, TreeError

from .helpers import bonus, group, leaf


def small_specs():
    return [
        group("A", weight="2"),
        leaf("A1", "A", "1"),
        leaf("A2", "A", "3"),
        group("B", weight="1"),
        leaf("B1", "B", "1"),
        group("H", weight="0"),
        bonus("H1", "H", 5),
        bonus("H2", "H", 3),
    ]


def test_order_and_shape():
    tree = Tree.build(small_specs())
    assert tree.codes == ("TOTAL", "A", "A1", "A2", "B", "B1", "H", "H1", "H2")
    assert tree.parent.tolist() == [-1, 0, 1, 1, 0, 4, 0, 6, 6]
    assert tree.depth.tolist() == [0, 1, 2, 2, 1, 2, 1, 2, 2]
    assert tree.children[0] == (1, 4, 6)
    assert tree.children[2] == ()
    assert tree.leaf_codes == ("A1", "A2", "B1", "H1", "H2")
    assert tree.is_bonus.tolist() == [False] * 6 + [True] * 3
    assert tree.bonus_maximum.tolist() == [0] * 7 + [5, 3]
    assert [tree.codes[node] for node in tree.dimensions] == ["A", "B"]


def test_weights_are_shares_among_siblings_and_products_along_the_path():
    tree = Tree.build(small_specs())
    nan = np.nan
    # A 2/3, B 1/3; A1 1/4, A2 3/4 of A: 2/3 · 1/4 = 1/6, 2/3 · 3/4 = 1/2
    np.testing.assert_allclose(tree.local_weight, [1, 2 / 3, 1 / 4, 3 / 4, 1 / 3, 1, nan, nan, nan])
    np.testing.assert_allclose(tree.global_weight, [1, 2 / 3, 1 / 6, 1 / 2, 1 / 3, 1 / 3, nan, nan, nan])


def test_weights_are_exact_until_the_last_step():
    # In binary 0.1 + 0.2 is not 0.3; as decimals the shares are exactly 1/6, 1/3, 1/2.
    tree = Tree.build([leaf("a", weight="0.1"), leaf("b", weight="0.2"), leaf("c", weight="0.3")])
    assert tree.local_weight.tolist() == [1, 1 / 6, 1 / 3, 1 / 2]


def test_specs_may_come_in_any_order_with_respect_to_parents():
    specs = small_specs()
    mixed = [specs[1], specs[6], specs[0], specs[2], specs[4], specs[3], specs[7], specs[5]]
    assert Tree.build(mixed).codes == Tree.build(specs).codes


def test_a_bonus_leaf_beside_scored_leaves_stays_outside_the_weights():
    tree = Tree.build([group("A"), leaf("A1", "A", "1"), bonus("A2", "A"), leaf("A3", "A", "1")])
    assert tree.is_bonus.tolist() == [False, False, False, True, False]
    assert tree.local_weight.tolist() == pytest.approx([1, 1, 0.5, np.nan, 0.5], nan_ok=True)


def test_a_zero_weight_is_allowed_beside_others():
    tree = Tree.build([leaf("a", weight="0"), leaf("b", weight="4")])
    assert tree.global_weight.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("specs", "says"),
    [
        ([], "还没有指标"),
        ([leaf("a"), leaf("a")], "编号a重复"),
        ([leaf("")], "编号不能为空"),
        ([leaf("TOTAL")], "TOTAL"),
        ([leaf("a", "x")], "上级x不存在"),
        ([group("a", "b"), group("b", "a"), leaf("c")], "循环：a、b"),
        ([group("a", "a"), leaf("c")], "循环：a"),
        ([leaf("a"), leaf("b", "a")], "有下级指标"),
        ([group("a")], "没有下级指标"),
        ([leaf("a", kind="essay")], "类型“essay”不存在"),
        ([bonus("a")], "只有加分项"),
        ([group("a"), leaf("b", "a", "0"), leaf("c", "a", "0")], "指标a的下级指标权重之和为0"),
        ([leaf("a", weight="0")], "总分的下级指标权重之和为0"),
        ([NodeSpec("a", "", None, "rubric")], "缺少权重"),
        ([leaf("a", weight="-1")], "不小于0"),
        ([leaf("a", weight="NaN")], "不小于0"),
        ([leaf("a", weight="Infinity")], "不小于0"),
        ([leaf("a", weight="0.1234567890123456")], "超过15位小数"),
        ([leaf("a", weight="1E-16")], "过大或过小"),
        ([leaf("a", weight="1E+999999999")], "过大或过小"),
        ([leaf("a", direction=0)], "方向"),
        ([leaf("a"), bonus("b", maximum=-1.0)], "最高分"),
    ],
)
def test_what_makes_no_tree_is_refused_in_a_sentence(specs, says):
    with pytest.raises(TreeError, match=says) as error:
        Tree.build(specs)
    assert str(error.value).endswith("。")


def test_fifteen_decimals_and_trailing_zeros_are_fine():
    Tree.build([leaf("a", weight="0.123456789012345"), leaf("b", weight="0.50000000000000000000")])


def test_a_deep_chain_builds():
    specs = [group(f"n{depth}", f"n{depth - 1}" if depth else "") for depth in range(2000)]
    tree = Tree.build([*specs, leaf("end", "n1999")])
    assert tree.depth[-1] == 2001
    assert tree.global_weight[-1] == 1


def test_the_arrays_cannot_be_changed():
    tree = Tree.build(small_specs())
    with pytest.raises(ValueError, match="read-only"):
        tree.local_weight[1] = 0.5


def test_a_node_may_have_its_own_rule():
    tree = Tree.build([group("A", aggregation=Aggregation.HARMONIC), leaf("a", "A")])
    rules = Rules(aggregation=Aggregation.GEOMETRIC)
    assert [tree.rule(node, rules) for node in (0, 1)] == [Aggregation.GEOMETRIC, Aggregation.HARMONIC]


@pytest.mark.parametrize(
    "wrong",
    [
        {"minimum_share": 1.1},
        {"floor": 0.0},
        {"bonus_cap": -1.0},
        {"rank_decimals": 10},
        {"floor": float("nan")},
    ],
)
def test_rules_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="。"):
        Rules(**wrong)
