"""A small panel under the other rules a round may declare, against the same plain sums."""

import pytest

from tests import make
from tests.scoring.test_panel import Panel, found_divergences

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("rule", "missing"), [("median", "exclude"), ("trimmed", "zero"), ("trimmed", "exclude")]
)
def test_median_and_trimmed_mean_over_five_reviewers(rule, missing):
    panel = Panel(
        make.framework(bonus_cap=4), cities=5, reviewers=5, seats=5, seed=7, panel=rule, missing=missing
    )
    assert panel.agrees(panel.compute()) == [], "nobody has finished: nothing is assessed yet"
    for submission in panel.submissions():
        for reviewer in panel.panel_of(submission):
            panel.review(submission, reviewer)
    assert panel.agrees(panel.compute()) == []
    assert found_divergences(panel).keys() == panel.far_apart().keys()
