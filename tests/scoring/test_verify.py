"""Whatever of a result is changed later is found and named."""

import json

import pytest
from django.db import connection

from accounts.guards import remove
from indicators.guards import FRAMEWORK_GUARDS
from scoring import snapshots
from scoring.actions.compute import compute_round
from scoring.models import NodeScore, ResultSnapshot
from tests import make
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


def execute(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount == 1


def lines(snapshot):
    fresh = ResultSnapshot.objects.get(pk=snapshot.pk)
    return [str(difference) for difference in snapshots.verify(fresh)]


@pytest.fixture
def snapshot(worked):  # noqa: F811
    made = compute_round(round=worked, by=None, draws=50)
    assert lines(made) == []
    return made


def test_each_kind_of_tampering_is_named(snapshot, worked):  # noqa: F811
    """One mark, one answer, one weight, one node score: each line says which city, which indicator, what, and the values."""
    first = worked.submissions.get(city__code="110000")
    remove(FRAMEWORK_GUARDS)
    execute(
        "UPDATE scoring_mark SET value = 30 WHERE id = %s",
        first.assignments.get(seat=2).marks.get(indicator__code="A1").pk,
    )
    execute("UPDATE cities_answer SET value = 60 WHERE id = %s", first.answers.get(indicator__code="B1").pk)
    execute(
        "UPDATE indicators_indicator SET points = '35' WHERE id = %s",
        worked.framework.indicators.get(code="A1").pk,
    )
    row = NodeScore.objects.get(snapshot=snapshot, submission=first, node_code="A")
    execute("UPDATE scoring_nodescore SET score = 99 WHERE id = %s", row.pk)

    assert lines(snapshot) == [
        "城市 110000 指标 A，存档的得分与重算不符：快照为 99.0，现为 重算 72.5",
        "指标 A1，指标 分值：快照为 30，现为 35",
        "城市 110000 指标 B1，填报内容：快照为 100.0，现为 60.0",
        "城市 110000 指标 A1，评分 R2：快照为 25.0，现为 30.0",
    ]


def test_an_interval_that_was_changed_is_named(snapshot):
    row = NodeScore.objects.get(snapshot=snapshot, submission__city__code="120000", node_code="TOTAL")
    execute("UPDATE scoring_nodescore SET rank_high = 9 WHERE id = %s", row.pk)

    assert lines(snapshot) == ["城市 120000 指标 TOTAL，存档的名次区间上限与重算不符：快照为 9，现为 重算 2"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda kept: kept["ranks"][0].__setitem__(0, 7), "城市 110000，存档的稳健性“去掉维度 A 指标A”的名次与重算不符：快照为 7"),
        (lambda kept: kept["movements"][0].update(mean_shift=9.5), "存档的稳健性“去掉维度 A 指标A”的 mean_shift与重算不符：快照为 9.5"),
        (lambda kept: kept["ahead_of_next"].__setitem__(0, 0.5), "城市 110000，存档的稳健性 领先下一位的比例与重算不符：快照为 0.5"),
        (lambda kept: kept["swaps"][0].__setitem__(3, 0.1), "城市 110000，存档的稳健性 互换名次所需的权重变动与重算不符"),
        (lambda kept: kept.update(most=5), "存档的稳健性 most与重算不符：快照为 5"),
        (lambda kept: kept["declared"].__setitem__(1, 1), "城市 120000，存档的稳健性 原名次与重算不符：快照为 1，现为 重算 2"),
        (lambda kept: kept["movements"].pop(), "存档的稳健性 假设个数与重算不符"),
        (lambda kept: kept.pop("swaps"), "存档的稳健性记录与重算不符"),
    ],
)  # fmt: skip
def test_stored_robustness_that_was_changed_is_named(snapshot, change, words):
    kept = json.loads(json.dumps(snapshot.robustness))
    change(kept)
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(robustness=kept)

    found = lines(snapshot)

    assert len(found) == 1
    assert found[0].startswith(words)


def test_robustness_that_was_removed_is_named(snapshot):
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(robustness=None)

    assert lines(snapshot) == ["存档的稳健性记录与重算不符：快照为 缺失或形式不符，现为 重算 可重算"]


def test_a_snapshot_of_a_round_across_which_leaves_are_normalised_verifies():
    framework = make.tree(
        "D - 1 -\nX D 1 quantity\nY D 2 quantity\nE - 2 quantity\nF - 1 quantity", aggregation="geometric"
    )
    remove(FRAMEWORK_GUARDS)
    framework.indicators.filter(code="X").update(normalise="zscore", curve="")
    round_ = make.round_(framework)
    for number in range(5):
        submission = make.filled_in(
            round_, make.city(code=str(number)), {"X": number, "Y": 10 * number, "E": 50 - number, "F": 7}
        )
        for shift in range(3):
            make.reviewed(
                submission, {"X": number + shift, "Y": 10 * number, "E": 50 - number, "F": 7 + shift}
            )
    made = compute_round(round=round_, by=None, draws=64, seed=9)

    assert lines(made) == []
