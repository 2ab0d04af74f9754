"""Ranks where cities tie, have not handed in, or have leaves that do not apply: in the result and on the page."""

import pytest

from scoring.actions.compute import compute_round
from scoring.models import NodeScore
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_round():
    """Two leaves of one dimension, scored as they are; self-scores stand."""
    return make.round_(make.tree("D - 1 -\nX D 1 quantity\nY D 1 quantity"), unreviewed="stand")


def ranks_of(snapshot, node: str = NodeScore.TOTAL) -> dict[str, tuple]:
    rows = snapshot.node_scores.filter(node_code=node).select_related("submission__city")
    return {row.submission.city.name_zh: (row.score, row.rank, row.state) for row in rows}


def test_ties_share_a_rank_and_those_without_a_score_have_none(client, in_round):
    reported = {
        "甲市": {"X": 90, "Y": 90},
        "乙市": {"X": 60, "Y": 80},
        "丙市": {"X": 80, "Y": 60},
        "丁市": {"X": 50, "Y": 50},
        "戊市": {"X": 85, "Y": "not_applicable"},  # X alone carries the dimension
        "己市": {"X": 99, "Y": "unavailable"},  # 0 by the round's policy
    }
    for name, answers in reported.items():
        make.filled_in(in_round, make.city(name_zh=name), answers)
    make.filled_in(in_round, make.city(name_zh="庚市"), {"X": 100, "Y": 100}, hand_in=False)
    snapshot = compute_round(round=in_round, by=None, draws=0)
    assert ranks_of(snapshot) == {
        "甲市": (90.0, 1, "value"),
        "戊市": (85.0, 2, "value"),
        "乙市": (70.0, 3, "value"),
        "丙市": (70.0, 3, "value"),
        "丁市": (50.0, 5, "value"),
        "己市": (49.5, 6, "value"),
        "庚市": (None, None, "not_assessed"),
    }
    by_leaf = ranks_of(snapshot, "Y")
    assert by_leaf["戊市"] == (None, None, "not_applicable")
    assert (by_leaf["己市"][1], by_leaf["庚市"][1]) == (5, None)
    client.force_login(make.user("administrator"))
    page = client.get(f"/results/{in_round.code}/").content.decode()
    assert page.index("甲市") < page.index("戊市") < page.index("丁市")
    assert "庚市" in page


def test_ranks_are_decided_on_the_stored_score_and_not_on_what_is_displayed(in_round):
    """69.96 and 70.04 both read 70.0, and are not the same."""
    for name, value in (("甲市", "70.04"), ("乙市", "69.96"), ("丙市", "70.04")):
        make.filled_in(in_round, make.city(name_zh=name), {"X": value, "Y": value})
    found = ranks_of(compute_round(round=in_round, by=None, draws=0))
    assert {name: rank for name, (_, rank, _) in found.items()} == {"甲市": 1, "丙市": 1, "乙市": 3}
