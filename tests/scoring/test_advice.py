"""Weights that the data of a computed round suggests: shown as advice, adopted only by a person, into a draft."""

from decimal import Decimal

import numpy as np
import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from indicators.actions import publish_framework
from indicators.models import Framework, Indicator, WeightAdoption
from indicators.weighting import WeightingConflict, WeightingRefused
from scoring import advice
from scoring.actions.compute import compute_round
from scoring.engine import weights as engine
from tests import make

pytestmark = pytest.mark.django_db

SPECS = """
A - 0.5 -
A1 A 0.5 quantity
A2 A 0.5 quantity
B - 0.3 -
B1 B 1 quantity
C - 0.2 quantity
"""
SCORES = {
    "A1": [10, 30, 60, 90, 20],
    "A2": [50, 55, 52, 51, 50],
    "B1": [70, 20, 40, 60, 10],
    "C": [30, 30, 30, 30, 30],
}


@pytest.fixture
def admin():
    return make.user("administrator")


def computed(specs: str = SPECS, scores: dict | None = None, **fields):
    """A round whose snapshot has these leaf scores: quantities score their own value."""
    scores = scores or SCORES
    made = make.round_(make.tree(specs, **fields), unreviewed="stand")
    for place in range(len(next(iter(scores.values())))):
        given = {code: column[place] for code, column in scores.items() if column[place] is not None}
        make.filled_in(made, make.city(), given)
    compute_round(round=made, by=None, draws=0)
    return made


def next_draft(round_, *, without: str = "", extra: str = "", points: bool = False) -> Framework:
    """A draft of the next edition with the same codes."""
    old = round_.framework
    made = Framework.objects.create(code=old.code, edition="2", name_zh=old.name_zh)
    nodes = {}
    for node in old.indicators.order_by("position"):
        if node.code == without:
            continue
        values = (
            {"points": Decimal(100) * node.weight}
            if points and not node.parent_id
            else {"weight": node.weight}
        )
        nodes[node.code] = Indicator.objects.create(
            framework=made, code=node.code, position=node.position, name_zh=node.name_zh, kind=node.kind,
            curve=node.curve, parent=nodes.get(node.parent.code) if node.parent else None, **values,
        )  # fmt: skip
    if extra:
        Indicator.objects.create(
            framework=made, code=extra, position=900, name_zh="新指标", kind="quantity", curve="0:0|1:100",
            weight=Decimal("0.1"), parent=nodes["A"],
        )  # fmt: skip
    return made


@pytest.fixture
def past():
    return computed()


@pytest.fixture
def draft(past):
    return next_draft(past)


def snapshot(round_):
    return round_.snapshots.first()


def page_of(framework: Framework) -> str:
    return reverse("manage:framework_advice", args=[framework.code, framework.edition])


def adopt_url(framework, snapshot_, group, method) -> str:
    arguments = [framework.code, framework.edition, snapshot_.pk, group, method]
    return reverse("manage:framework_advice_adopt", args=arguments)


def proposal(framework, round_, group, method):
    found = {one.group.code: one for one in advice.advise(framework, snapshot(round_))}[group]
    return next(one for one in found.methods if one.method == method)


def test_each_method_reads_the_scores_of_the_group(draft, past):
    table = np.array([SCORES["A1"], SCORES["A2"]], dtype=float).T
    for method, compute in (
        ("entropy", engine.entropy_weights), ("critic", engine.critic_weights), ("pca", engine.pca_weights),
    ):  # fmt: skip
        assert proposal(draft, past, "A", method).weights == pytest.approx(tuple(compute(table).weights))


def test_scores_of_inner_nodes_weigh_the_dimensions(draft, past):
    inner = (np.array(SCORES["A1"]) + SCORES["A2"]) / 2
    table = np.column_stack([inner, SCORES["B1"], SCORES["C"]]).astype(float)
    found = proposal(draft, past, "TOTAL", "entropy")
    assert found.weights == pytest.approx(tuple(engine.entropy_weights(table).weights))
    assert found.weights[2] == 0
    assert "C 各市得分相同，所以权重为 0" in found.notes


def test_a_group_of_one_needs_no_advice(draft, past):
    assert [one.group.code for one in advice.advise(draft, snapshot(past))] == ["TOTAL", "A"]


def test_the_newest_snapshot_speaks(client, draft, past, admin):
    compute_round(round=past, by=None, draws=0)
    client.force_login(admin)
    page = client.get(page_of(draft)).content.decode()
    assert f"#{snapshot(past).pk}" in page
    assert past.snapshots.count() == 2


def test_cities_without_a_score_are_left_out_and_counted():
    scores = {**SCORES, "A1": [10, 30, 60, 90, "not_applicable"]}
    past = computed(scores=scores)
    found = proposal(next_draft(past), past, "A", "entropy")
    assert found.notes == ("依据 4 个得分齐全的城市", "1 个城市缺少得分，未计入")
    table = np.array([SCORES["A1"], SCORES["A2"]], dtype=float).T[:4]
    assert found.weights == pytest.approx(tuple(engine.entropy_weights(table).weights))


def test_too_few_cities_is_said():
    past = computed(scores={code: column[:2] for code, column in SCORES.items()})
    draft = next_draft(past)
    assert proposal(draft, past, "A", "critic").trouble == "至少需要 3 个得分齐全的城市，现有 2 个。"
    with pytest.raises(WeightingRefused, match="至少需要 3 个"):
        advice.adopt_advice(framework=draft, snapshot=snapshot(past), group="A", method="critic", by=None)


def test_a_node_the_round_does_not_know_is_said(client, past, admin):
    draft = next_draft(past, extra="A9")
    client.force_login(admin)
    page = client.get(page_of(draft)).content.decode()
    assert "该轮的指标体系里没有 A9，这一组给不出建议。" in page
    with pytest.raises(WeightingRefused, match="没有 A9"):
        advice.adopt_advice(framework=draft, snapshot=snapshot(past), group="A", method="entropy", by=None)


def test_a_node_that_is_gone_from_the_draft_does_not_disturb(past):
    draft = next_draft(past, without="C")
    assert len(proposal(draft, past, "TOTAL", "entropy").weights) == 2


def test_a_node_under_another_name_is_pointed_out(client, draft, past, admin):
    draft.indicators.filter(code="A1").update(name_zh="改了名")
    client.force_login(admin)
    assert "A1 在该轮名为“指标A1”" in client.get(page_of(draft)).content.decode()


def test_adopting_writes_the_draft_and_records_round_and_snapshot(client, draft, past, admin):
    client.force_login(admin)
    page = client.get(page_of(draft)).content.decode()
    assert adopt_url(draft, snapshot(past), "A", "entropy") in page
    assert "由数据得出的权重只作参考" in page
    response = client.post(adopt_url(draft, snapshot(past), "A", "entropy"), {"decimals": "4"})
    assert response.status_code == 302
    weights = {node.code: node.weight for node in draft.indicators.filter(parent__code="A")}
    assert sum(weights.values()) == 1
    assert float(weights["A1"]) == pytest.approx(proposal(draft, past, "A", "entropy").weights[0], abs=1e-4)
    made = WeightAdoption.objects.get()
    assert (made.method, made.by, made.group_code) == ("entropy", admin, "A")
    assert (made.detail["round"], made.detail["snapshot"]) == (past.code, snapshot(past).pk)
    entry = AuditEntry.objects.get(action="weights.adopt")
    assert entry.detail["digest"] == snapshot(past).digest
    assert past.framework.indicators.get(code="A1").weight == Decimal("0.5")


def test_points_of_the_dimensions_add_up_exactly(past):
    draft = next_draft(past, points=True)
    advice.adopt_advice(framework=draft, snapshot=snapshot(past), group="TOTAL", method="critic", by=None)
    assert sum(node.points for node in draft.indicators.filter(parent=None)) == 100


def test_a_group_changed_meanwhile_is_a_conflict(client, draft, past, admin):
    client.force_login(admin)
    page = client.get(page_of(draft)).content.decode()
    seen = page.split('name="seen" value="')[2].split('"')[0]  # the second group, A
    draft.indicators.filter(code="A1").update(weight=Decimal("0.9"))
    response = client.post(adopt_url(draft, snapshot(past), "A", "pca"), {"seen": seen})
    assert response.status_code == 409
    with pytest.raises(WeightingConflict):
        advice.adopt_advice(
            framework=draft, snapshot=snapshot(past), group="A", method="pca", by=admin, seen=seen
        )


def test_a_published_edition_refuses_in_words(client, draft, past, admin):
    publish_framework(draft)
    client.force_login(admin)
    page = client.get(page_of(draft)).content.decode()
    assert "本版本已发布，权重不能再改" in page
    assert "formaction" not in page
    response = client.post(adopt_url(draft, snapshot(past), "A", "entropy"))
    assert response.status_code == 409
    assert "已发布，权重不能再改" in response.content.decode()
    assert not WeightAdoption.objects.exists()


def test_a_round_of_another_framework_gives_no_advice(client, draft, past, admin):
    other = computed()
    client.force_login(admin)
    assert client.get(page_of(draft) + f"?round={other.code}").status_code == 404
    assert client.get(page_of(draft) + f"?round={past.code}").status_code == 200
    assert client.post(adopt_url(draft, snapshot(other), "A", "entropy")).status_code == 404
    for group, method in (("NONE", "entropy"), ("A", "magic"), ("A", "ahp")):
        assert client.post(adopt_url(draft, snapshot(past), group, method)).status_code == 404


def test_without_a_computed_round_the_page_says_what_comes_next(client, admin):
    client.force_login(admin)
    page = client.get(page_of(make.framework(published=False))).content.decode()
    assert "还没有计算过的轮次" in page


@pytest.mark.parametrize(
    ("role", "status"), [(None, 302), ("city", 404), ("reviewer", 404), ("moderator", 404)]
)
def test_advice_is_for_administrators(client, draft, past, role, status):
    if role:
        client.force_login(make.user(role))
    assert client.get(page_of(draft)).status_code == status
    assert client.post(adopt_url(draft, snapshot(past), "A", "entropy")).status_code == status
    assert draft.indicators.get(code="A1").weight == Decimal("0.5")


def test_the_page_asks_a_constant_number_of_questions(client, draft, past, admin, django_assert_num_queries):
    client.force_login(admin)
    # session, user; framework; newest round, its snapshot; nodes, levels, items; scores, names; rounds
    with django_assert_num_queries(11):
        client.get(page_of(draft))
