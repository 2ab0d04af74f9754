"""From answers and marks in the database to a stored snapshot, and back."""

import json
import zlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.guards import remove
from accounts.models import AuditEntry
from cities.actions import ActionRefused
from indicators.guards import FRAMEWORK_GUARDS
from scoring import snapshots
from scoring.actions.compute import compute_round
from scoring.engine import score_round
from scoring.inputs import from_payload, gather, payload
from scoring.models import NodeScore, ResultSnapshot
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def worked():
    """Three cities worked by hand on `make.framework`: A1 30, A2 30, B1 40 points, bonus H1 at most 5.

    City 甲: A1 50 → curve 80; reviewers say 50 and 25 → 80 and 40, mean 60. A2 level A → 100; both say 90, 80 → mean 85
    (B is 75–89, A 90–100). B1 items 1;2 → 100; both 60. H1 3; both 2.
      final A = (30·60 + 30·85)/60 = 72.5; B = 60; total = 0.6·72.5 + 0.4·60 + 2 = 43.5 + 24 + 2 = 69.5
      self  A = (80 + 100)/2 = 90; B = 100; total = 54 + 40 + 3 = 97
    City 乙: A1 blank → 0 (policy zero); A2 不适用, accepted → left out, so A = A1 = 0; B1 item 1 → 60, reviewer 100.
      total = 0.6·0 + 0.4·100 = 40, no bonus claimed: 0
    City 丙: not handed in → no score, no rank.
    """
    round_ = make.round_(code="R-2025")
    first = make.filled_in(
        round_, make.city(code="110000", name_zh="甲市"), {"A1": 50, "A2": "A", "B1": "1;2", "H1": 3}
    )
    make.reviewed(first, {"A1": 50, "A2": 90, "B1": "1", "H1": 2})
    make.reviewed(first, {"A1": 25, "A2": 80, "B1": "1", "H1": 2})
    second = make.filled_in(
        round_, make.city(code="120000", name_zh="乙市"), {"A2": "not_applicable", "B1": "1"}
    )
    make.reviewed(second, {"A2": "accept", "B1": "1;2"})
    make.filled_in(round_, make.city(code="130000", name_zh="丙市"), {"A1": 99}, hand_in=False)
    return round_


def scores(snapshot, city):
    rows = NodeScore.objects.filter(snapshot=snapshot, submission__city__code=city)
    return {row.node_code: row for row in rows}


def test_worked_example(worked):
    snapshot = compute_round(round=worked, by=None)

    first, second, third = (scores(snapshot, code) for code in ("110000", "120000", "130000"))
    assert {code: row.score for code, row in first.items()} == {
        "TOTAL": pytest.approx(69.5), "A": pytest.approx(72.5), "A1": 60, "A2": 85, "B": 60, "B1": 60, "H": 2, "H1": 2,
    }  # fmt: skip
    assert first["TOTAL"].self_score == pytest.approx(97)
    assert first["A1"].self_score == 80
    assert (first["TOTAL"].rank, first["TOTAL"].rank_low, first["TOTAL"].rank_high) == (1, 1, 1)
    # points: 30·60/100 = 18 earned, 12 lost
    assert first["A1"].points == pytest.approx(18)
    assert first["A1"].points_lost == pytest.approx(12)
    assert first["A1"].rank_low is None

    assert second["TOTAL"].score == pytest.approx(40)
    assert second["TOTAL"].rank == 2
    # A1 takes over the weight of A2
    assert second["A1"].effective_weight == pytest.approx(0.6)
    assert {code: row.state for code, row in second.items()} == {
        "TOTAL": "value", "A": "value", "A1": "blank", "A2": "not_applicable", "B": "value", "B1": "value", "H": "value",
        "H1": "blank",
    }  # fmt: skip
    assert (second["A1"].score, second["A2"].score) == (0, None)

    assert {row.state for row in third.values()} == {"not_assessed"}
    assert {(row.score, row.self_score, row.rank, row.points) for row in third.values()} == {(None,) * 4}
    entry = AuditEntry.objects.get(action="compute_scores")
    assert entry.detail["digest"] == snapshot.digest


def test_blank_zero_not_applicable_unavailable_and_not_assessed_stay_apart():
    framework = make.tree("D - 1 -\nX D 1 quantity\nY D 1 quantity")
    round_ = make.round_(framework, missing="exclude", unreviewed="stand")
    for code, given in [("1", 0), ("2", None), ("3", "not_applicable"), ("4", "unavailable")]:
        make.filled_in(round_, make.city(code=code), {"X": given, "Y": 40})
    make.filled_in(round_, make.city(code="5"), {"X": 10, "Y": 40}, hand_in=False)

    snapshot = compute_round(round=round_, by=None, draws=0)

    found = {code: scores(snapshot, code) for code in "12345"}
    assert {
        code: (rows["X"].state, rows["X"].score, rows["TOTAL"].score) for code, rows in found.items()
    } == {
        "1": ("value", 0, 20),  # a real 0 counts
        "2": ("blank", None, 40),
        "3": ("not_applicable", None, 40),
        "4": ("unavailable", None, 40),
        "5": ("not_assessed", None, None),
    }
    assert [found[code]["TOTAL"].rank for code in "12345"] == [4, 1, 1, 1, None]
    assert found["2"]["TOTAL"].rank_low is None  # no draws, no interval


@pytest.mark.parametrize("cities", [1, 4])
def test_reading_a_round_takes_the_same_queries_whatever_its_size(cities, django_assert_num_queries):
    round_ = make.round_()
    for _ in range(cities):
        submission = make.filled_in(round_, make.city(), {"A1": 50, "A2": "A", "B1": "1", "H1": 3})
        make.reviewed(submission, {"A1": 50, "A2": "A", "B1": "1", "H1": 1})

    with django_assert_num_queries(9):
        gathered = gather(round_)

    assert gathered.seats == (1,)


def test_marks_of_a_recused_reviewer_and_drafts_do_not_count(worked):
    submission = worked.submissions.get(city__code="110000")
    before = gather(worked)
    assignment = submission.assignments.get(seat=2)
    assignment.status, assignment.finished_at = "recused", None
    assignment.save()

    after = gather(worked)

    assert before.seats == (1, 2)
    assert after.seats == (1,)


def test_payload_reads_back_to_the_same_scores(worked):
    gathered = gather(worked)

    text = snapshots.canonical_json(payload(gathered, seed=1, draws=0, delta=0.2))
    again = from_payload(json.loads(text))

    assert again.tree.codes == gathered.tree.codes
    assert (again.tree.global_weight.tobytes()) == gathered.tree.global_weight.tobytes()
    assert again.rules == gathered.rules
    one, other = (score_round(g.tree, g.rules, g.inputs) for g in (gathered, again))
    assert one.score.tobytes() == other.score.tobytes()
    assert snapshots.canonical_json(payload(again, seed=1, draws=0, delta=0.2)) == text


def test_same_data_same_digest_and_another_mark_another(worked):
    first = compute_round(round=worked, by=None)
    second = compute_round(round=worked, by=None, reason="再算一次")
    make.reviewed(worked.submissions.get(city__code="120000"), {"A2": "accept", "B1": "1"})
    third = compute_round(round=worked, by=None)

    assert first.digest == second.digest != third.digest
    assert len(first.digest) == 64
    assert first.pk != second.pk
    assert first.digest == snapshots.digest(zlib.decompress(bytes(first.inputs)))
    assert snapshots.verify(first)  # the database has moved on
    assert snapshots.verify(third) == []


def test_a_round_without_cities_is_refused():
    round_ = make.round_()

    with pytest.raises(ActionRefused, match="还没有参评城市"):
        compute_round(round=round_, by=None)
    with pytest.raises(ActionRefused, match="应在 0 到"):
        compute_round(round=round_, by=None, seed=-1)
    assert not ResultSnapshot.objects.exists()


# --- verify ---------------------------------------------------------------------------------------------------


def execute(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount == 1


def lines(snapshot):
    snapshot.refresh_from_db()
    return [str(difference) for difference in snapshots.verify(snapshot)]


def test_verify_names_a_tampered_answer(worked):
    snapshot = compute_round(round=worked, by=None)
    assert lines(snapshot) == []
    answer = worked.submissions.get(city__code="110000").answers.get(indicator__code="A1")

    execute("UPDATE cities_answer SET value = 51 WHERE id = %s", answer.pk)

    assert lines(snapshot) == ["城市 110000 指标 A1，填报内容：快照为 50.0，现为 51.0"]


def test_verify_names_an_answer_that_became_blank(worked):
    snapshot = compute_round(round=worked, by=None)
    answer = worked.submissions.get(city__code="110000").answers.get(indicator__code="A1")

    execute("UPDATE cities_answer SET value = NULL, value_state = 'blank' WHERE id = %s", answer.pk)

    assert lines(snapshot) == ["城市 110000 指标 A1，填报内容：快照为 50.0，现为 未填"]


def test_verify_names_a_tampered_mark(worked):
    snapshot = compute_round(round=worked, by=None)
    mark = worked.submissions.get(city__code="110000").assignments.get(seat=2).marks.get(indicator__code="A1")

    execute("UPDATE scoring_mark SET value = 30 WHERE id = %s", mark.pk)

    assert lines(snapshot) == ["城市 110000 指标 A1，评分 R2：快照为 25.0，现为 30.0"]


def test_verify_names_a_removed_mark(worked):
    snapshot = compute_round(round=worked, by=None)
    mark = worked.submissions.get(city__code="110000").assignments.get(seat=2).marks.get(indicator__code="A1")

    execute("UPDATE scoring_mark SET status = 'draft' WHERE id = %s", mark.pk)

    assert lines(snapshot) == ["城市 110000 指标 A1，评分 R2：快照为 25.0，现为 无"]


def test_verify_names_a_tampered_weight(worked):
    snapshot = compute_round(round=worked, by=None)
    indicator = worked.framework.indicators.get(code="B")
    remove(FRAMEWORK_GUARDS)

    execute("UPDATE indicators_indicator SET points = '41' WHERE id = %s", indicator.pk)

    assert lines(snapshot) == ["指标 B，指标 分值：快照为 40，现为 41"]


def test_verify_names_a_tampered_score(worked):
    snapshot = compute_round(round=worked, by=None)
    row = scores(snapshot, "110000")["B"]

    execute("UPDATE scoring_nodescore SET score = 60.000000000000007 WHERE id = %s", row.pk)

    assert lines(snapshot) == [
        "城市 110000 指标 B，存档的得分与重算不符：快照为 60.00000000000001，现为 重算 60.0"
    ]


def test_verify_names_a_removed_score_and_another_rule(worked):
    snapshot = compute_round(round=worked, by=None)
    execute("DELETE FROM scoring_nodescore WHERE id = %s", scores(snapshot, "110000")["B1"].pk)
    execute("UPDATE cities_round SET panel = 'median' WHERE id = %s", worked.pk)

    assert lines(snapshot) == [
        "城市 110000 指标 B1，存档的得分：快照为 已删除，现为 重算有此得分",
        "规则 评审汇总：快照为 mean，现为 median",
    ]


def test_verify_finds_changed_inputs_and_a_changed_digest(worked):
    snapshot = compute_round(round=worked, by=None)
    data = json.loads(snapshots.unpack(snapshot))
    data["inputs"]["values"][0][0] = 60.0
    changed = zlib.compress(snapshots.canonical_json(data))
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(inputs=changed)

    found = lines(snapshot)

    assert found[0].startswith("输入摘要：快照为 " + snapshot.digest)
    assert "城市 110000 指标 A1，填报内容：快照为 60.0，现为 50.0" in found

    ResultSnapshot.objects.filter(pk=snapshot.pk).update(inputs=b"broken")
    assert len(lines(snapshot)) == 1
    assert lines(snapshot)[0].startswith("存档的输入：快照为 可读取并可计算，现为 无法读取或计算")


def test_verify_names_a_city_that_was_taken_back(worked):
    snapshot = compute_round(round=worked, by=None)
    execute(
        "UPDATE cities_submission SET status = 'returned' WHERE id = %s",
        worked.submissions.get(city__code="120000").pk,
    )

    found = lines(snapshot)

    assert found[0] == "城市 120000，已提交：快照为 是，现为 否"


# --- commands -------------------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_commands_compute_and_verify(worked):
    said = run("compute_scores", "R-2025", "--draws", "50", "--seed", "7")

    snapshot = ResultSnapshot.objects.get()
    assert said.splitlines() == [f"快照 {snapshot.pk}", f"摘要 {snapshot.digest}", "城市 3 个，参与排名 2 个"]
    assert (snapshot.seed, snapshot.draws, snapshot.created_by) == (7, 50, None)
    assert "核验一致" in run("verify_snapshot", str(snapshot.pk))


def test_commands_complain_in_one_line(worked):
    with pytest.raises(CommandError, match="没有代码为“nowhere”的轮次"):
        run("compute_scores", "nowhere")
    with pytest.raises(CommandError, match="没有编号为 99 的快照"):
        run("verify_snapshot", "99")
    snapshot = compute_round(round=worked, by=None, draws=0)
    execute("UPDATE scoring_nodescore SET rank = 5 WHERE id = %s", scores(snapshot, "110000")["TOTAL"].pk)
    with pytest.raises(
        CommandError, match="城市 110000 指标 TOTAL，存档的名次与重算不符：快照为 5，现为 重算 1"
    ):
        run("verify_snapshot", str(snapshot.pk))
