"""A ruling stands in place of the panel: in scores, derivations, exports and verification; the marks stay.

The numbers are worked by hand on `make.framework`: A1 (30, curve 0:0|50:80|100:100), A2 (30), B1 (40), bonus H1 (5).
"""

import io
import random
from statistics import mean, median

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from cities.actions import ActionRefused, NotReady
from cities.models import Submission
from scoring import snapshots
from scoring.actions.compute import compute_round
from scoring.engine.cells import read_sources
from scoring.engine.resampling import leaf_pools
from scoring.exporters import write_results_workbook
from scoring.inputs import gather
from scoring.models import Mark, NodeScore, Provisional, Ruling
from scoring.provisional import refresh
from scoring.results import load_results
from tests import make
from tests.scoring.test_moderation import ANSWERS, panel, rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    """R1 80, 90, 60, 3 and R2 80, 40, 60, 3: the panel's A2 is 65, the total 24 + 19.5 + 24 + 3 = 70.5."""
    return panel({"A2": 90}, {"A2": 40})


def scores(submission, **options):
    """Computes and returns the stored scores by node."""
    snapshot = compute_round(round=submission.round, by=None, draws=0, **options)
    rows = NodeScore.objects.filter(snapshot=snapshot, submission=submission)
    return {row.node_code: row.score for row in rows}


def test_the_ruling_is_the_final_score(submission):
    assert scores(submission)["TOTAL"] == pytest.approx(70.5)
    rule(submission, level="B", value_text="80")

    found = scores(submission)
    assert (found["A2"], found["A"], found["TOTAL"]) == pytest.approx((80, 80, 75))
    assert sorted(Mark.objects.filter(indicator__code="A2").values_list("value", flat=True)) == [40, 90]


@pytest.mark.parametrize(
    ("code", "words", "leaf", "total"),
    [
        ("A1", {"value_text": "75"}, 90, 27 + 19.5 + 24 + 3),  # a quantity goes through its curve
        ("A2", {"level": "A"}, 100, 24 + 30 + 24 + 3),  # a level without a score is its upper end
        ("B1", {"items": "1;2"}, 100, 24 + 19.5 + 40 + 3),
        ("B1", {"items": "0"}, 0, 24 + 19.5 + 0 + 3),  # a real 0
        ("H1", {"value_text": "5"}, 5, 24 + 19.5 + 24 + 5),
    ],
)
def test_every_kind_can_be_ruled(submission, code, words, leaf, total):
    rule(submission, code, **words)
    found = scores(submission)
    assert (found[code], found["TOTAL"]) == pytest.approx((leaf, total))


def test_ruled_not_applicable_leaves_its_weight_to_the_siblings(submission):
    """Without A2: A is A1 alone, 80; total 0.6 · 80 + 0.4 · 60 + 3 = 75."""
    rule(submission, "A2", away=True)
    found = scores(submission)
    assert (found["A2"], found["A"], found["TOTAL"]) == pytest.approx((None, 80, 75))
    row = NodeScore.objects.filter(submission=submission, node_code="A2").latest("id")
    assert row.state == "not_applicable"


def test_a_ruling_stands_where_nobody_has_finished():
    submission = make.filled_in(make.round_(), make.city(), ANSWERS)
    for code, words in {"A1": {"value_text": "50"}, "A2": {"level": "B", "value_text": "80"}, "B1": {"items": "1"},
                        "H1": {"value_text": "3"}}.items():  # fmt: skip
        assert scores(submission)["TOTAL"] is None
        rule(submission, code, **words)
    assert scores(submission)["TOTAL"] == pytest.approx(75)


def test_a_ruling_gives_a_blank_answer_a_score():
    submission = make.filled_in(make.round_(), make.city(), {**ANSWERS, "B1": None})
    for task in [make.assignment(submission) for _ in range(2)]:
        make.reviewed(submission, {"A1": 50, "A2": 80, "H1": 3}, reviewer=task.reviewer)
    assert scores(submission)["TOTAL"] == pytest.approx(24 + 24 + 3)
    rule(submission, "B1", items="1")
    assert scores(submission)["TOTAL"] == pytest.approx(75)


def test_what_a_city_took_back_is_not_scored_by_a_ruling(submission):
    rule(submission, level="B", value_text="80")
    Submission.objects.filter(pk=submission.pk).update(status="returned")
    assert scores(submission)["TOTAL"] is None


def test_a_later_ruling_supersedes_and_both_stay_readable(client, submission):
    moderator = make.user("moderator")
    rule(submission, by=moderator, level="B", value_text="80", reason="第一次的理由")
    rule(submission, by=moderator, level="C", value_text="70", reason="第二次的理由")

    assert scores(submission)["A2"] == 70
    assert Ruling.objects.filter(superseded_at=None).count() == 1
    client.force_login(moderator)
    page = client.get(f"/moderation/{submission.round.code}/{submission.pk}/A2/").content.decode()
    assert "第一次的理由" in page
    assert "第二次的理由" in page


def test_the_same_ruling_twice_is_one(submission):
    moderator = make.user("moderator")
    for _ in range(2):
        rule(submission, by=moderator, level="B", value_text="80")
    assert (Ruling.objects.count(), AuditEntry.objects.filter(action="rule").count()) == (1, 1)


@pytest.mark.parametrize(
    "words", [{"level": "B", "reason": "  "}, {"level": ""}, {"level": "C", "value_text": "95"}]
)
def test_a_ruling_needs_a_reason_and_a_result(submission, words):
    with pytest.raises(NotReady):
        rule(submission, **words)
    assert not Ruling.objects.exists()


def test_the_database_itself_asks_for_a_reason(submission):
    leaf = submission.round.framework.indicators.get(code="A2")
    with pytest.raises(IntegrityError), transaction.atomic():
        Ruling.objects.create(
            submission=submission, indicator=leaf, value=1, reason="", by=make.user("moderator")
        )


def test_a_final_result_is_not_ruled_on(submission):
    Submission.objects.filter(pk=submission.pk).update(status="final")
    submission.refresh_from_db()
    with pytest.raises(ActionRefused):
        rule(submission, level="B")


def test_the_provisional_score_follows_at_once(submission):
    rule(submission, level="B", value_text="80")
    stored = Provisional.objects.get(submission=submission)
    assert (stored.total, stored.scores["A2"]) == pytest.approx((75, 80))
    rule(submission, "A2", away=True)
    assert refresh(
        Submission.objects.select_related("round__framework").get(pk=submission.pk)
    ).total == pytest.approx(75)


def test_resampling_leaves_ruled_cells_alone(submission):
    rule(submission, level="B", value_text="80")
    gathered = gather(submission.round)
    sources = read_sources(gathered.tree, gathered.rules, gathered.inputs)
    import numpy as np

    pools = leaf_pools(gathered.tree, gathered.rules, sources, np.array([0]), 1)
    place = gathered.tree.index["A2"]
    assert place not in pools or (pools[place] == 80).all()


# --- against an independent calculation -----------------------------------------------------------------------

SPECS = """
P - 40 -
P1 P 30 quantity
P2 P 70 quantity
Q - 60 -
Q1 Q 1 quantity
Q2 Q 1 quantity
Q3 Q 2 quantity
"""
LEAVES = {"P1": ("P", 0.3), "P2": ("P", 0.7), "Q1": ("Q", 0.25), "Q2": ("Q", 0.25), "Q3": ("Q", 0.5)}
ROOTS = {"P": 0.4, "Q": 0.6}


def expected(marks, ruled, panel_rule):
    """Node scores of one city, from scratch: a ruling, else the panel; 不适用 leaves its weight to the others."""
    leaf = {
        code: ruled[code] if code in ruled else panel_rule([one[code] for one in marks]) for code in LEAVES
    }
    found = dict(leaf)
    for root in ROOTS:
        inside = [
            (leaf[code], weight)
            for code, (above, weight) in LEAVES.items()
            if above == root and leaf[code] is not None
        ]
        total = sum(weight for _, weight in inside)
        found[root] = sum(score * weight for score, weight in inside) / total if inside else None
    inside = [(found[root], weight) for root, weight in ROOTS.items() if found[root] is not None]
    found["TOTAL"] = sum(score * weight for score, weight in inside) / sum(weight for _, weight in inside)
    return found


@pytest.mark.parametrize(("panel_name", "panel_rule"), [("mean", mean), ("median", median)])
def test_a_round_with_rulings_agrees_with_an_independent_calculation(panel_name, panel_rule):
    chance = random.Random(7)
    round_ = make.round_(make.tree(SPECS), panel=panel_name)
    moderator, wanted = make.user("moderator"), {}
    for _ in range(4):
        submission = make.filled_in(round_, make.city(), dict.fromkeys(LEAVES, 50))
        marks = [{code: chance.randint(0, 100) for code in LEAVES} for _ in range(3)]
        for task, given in zip([make.assignment(submission) for _ in marks], marks, strict=True):
            make.reviewed(submission, given, reviewer=task.reviewer)
        ruled = {
            code: chance.choice([None, chance.randint(0, 100)]) for code in chance.sample(list(LEAVES), 2)
        }
        for code, value in ruled.items():
            words = {} if value is None else {"value_text": str(value)}
            rule(submission, code, by=moderator, away=value is None, **words)
        wanted[submission.pk] = expected(marks, ruled, panel_rule)

    snapshot = compute_round(round=round_, by=None, draws=0)
    for pk, nodes in wanted.items():
        found = dict(
            NodeScore.objects.filter(snapshot=snapshot, submission=pk).values_list("node_code", "score")
        )
        assert found == {
            code: score if score is None else pytest.approx(score, abs=1e-9) for code, score in nodes.items()
        }
    assert snapshots.verify(snapshot) == []


# --- kept, verified, explained, exported ----------------------------------------------------------------------


def test_a_tampered_ruling_is_found_and_named(submission):
    made = rule(submission, level="B", value_text="80", reason="依据年报")
    snapshot = compute_round(round=submission.round, by=None, draws=20)
    assert snapshots.verify(snapshot) == []
    where = f"城市 {submission.city.code} 指标 A2"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scoring_ruling SET value = 99 WHERE id = %s", [made.pk])
    assert [str(one) for one in snapshots.verify(snapshot)] == [f"{where}，裁定：快照为 80.0，现为 99.0"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scoring_ruling SET value = 80, reason = '别的' WHERE id = %s", [made.pk])
    assert [str(one) for one in snapshots.verify(snapshot)] == [
        f"{where}，裁定理由：快照为 依据年报，现为 别的"
    ]
    Ruling.objects.update(reason="依据年报", superseded_at=timezone.now())
    assert f"{where}，裁定：快照为 80.0，现为 无" in [str(one) for one in snapshots.verify(snapshot)]


def test_a_ruling_without_a_value_survives_the_snapshot(submission):
    rule(submission, "A2", away=True)
    snapshot = compute_round(round=submission.round, by=None, draws=20)
    stored = snapshots.read_inputs(snapshot)
    assert stored.inputs.ruled_not_applicable is not None
    assert snapshots.verify(snapshot) == []


def test_a_snapshot_names_no_person(submission):
    moderator = make.user("moderator", display_name="某位组长")
    rule(submission, by=moderator, level="B")
    stored = snapshots.unpack(compute_round(round=submission.round, by=None, draws=0)).decode()
    assert "某位组长" not in stored
    assert moderator.username not in stored
    assert "依据材料" in stored


def test_the_why_page_tells_the_ruling_and_its_reason_to_those_who_may_read_reasons(client, submission):
    rule(submission, level="B", value_text="80", reason="材料只覆盖部分城区")
    snapshot = compute_round(round=submission.round, by=None, draws=0)
    make.published(snapshot=snapshot, by=make.user("administrator"))
    address = f"/results/{submission.round.code}/city/{submission.city.code}/why/A2/"

    public = client.get(address).content.decode()
    assert "裁定为 80" in public
    assert "材料只覆盖部分城区" not in public
    for person in (make.user("administrator"), make.member(submission.city)):
        client.force_login(person)
        assert "材料只覆盖部分城区" in client.get(address).content.decode()


def test_the_export_shows_the_ruling_with_value_and_reason(submission):
    from openpyxl import load_workbook

    rule(submission, level="B", value_text="80", reason="材料只覆盖部分城区")
    rule(submission, "B1", away=True, reason="没有该项职能")
    compute_round(round=submission.round, by=None, draws=0)
    target = io.BytesIO()
    write_results_workbook(load_results(submission.round.snapshots.first()), target)
    book = load_workbook(target)
    head, *rows = book["指标得分"].iter_rows(values_only=True)
    lines = {row[2]: dict(zip(head, row, strict=False)) for row in rows}

    assert (lines["A2"]["最终 (final)"], lines["A2"]["裁定 (ruling)"], lines["A2"]["裁定理由"]) == (
        80,
        80,
        "材料只覆盖部分城区",
    )
    assert (lines["B1"]["裁定 (ruling)"], lines["B1"]["裁定理由"]) == ("不适用", "没有该项职能")
    assert lines["A1"]["裁定 (ruling)"] is None
    told = "".join(str(cell) for row in book["推导"].iter_rows(values_only=True) for cell in row)
    assert "裁定为 80；理由：材料只覆盖部分城区" in told
    assert "裁定为不适用" in told


@pytest.mark.parametrize("cities", [1, 3])
def test_reading_rulings_takes_one_query(cities, django_assert_num_queries):
    round_ = make.round_()
    for _ in range(cities):
        rule(panel({}, {}, in_round=round_), level="B")
    fresh = type(round_).objects.select_related("framework").get(pk=round_.pk)
    with django_assert_num_queries(9):
        gather(fresh)
