"""UNDP's Human Development Index 2022: see tests/reference/hdi_2022/README.md."""

from decimal import Decimal

import numpy as np
import pytest

from scoring.engine import Aggregation, Missing, Rules, Tree, Unreviewed, round_half_up, score_round

from .helpers import group, number, quantity, read_rows, round_inputs

COLUMNS = ("life_expectancy", "expected_years_schooling", "mean_years_schooling", "gni_per_capita_ppp2017")


@pytest.fixture(scope="module")
def rows():
    return read_rows("hdi_2022", "hdi_2022.csv")


def scored(rows):
    tree = Tree.build(
        [
            quantity("health", curve="20:0|85:100"),
            group("education", aggregation=Aggregation.ARITHMETIC),
            quantity("expected", "education", curve="0:0|18:100"),
            quantity("mean", "education", curve="0:0|15:100"),
            quantity("income", curve="log;100:0|75000:100"),
        ]
    )
    rules = Rules(
        aggregation=Aggregation.GEOMETRIC,
        missing=Missing.EXCLUDE,
        minimum_share=1.0,
        floor=1e-6,
        rank_decimals=1,
        unreviewed=Unreviewed.STAND,
    )
    values = [[number(row[name]) for name in COLUMNS] for row in rows]
    return score_round(tree, rules, round_inputs(values))


def test_all_published_values_come_out(rows):
    # The index is published with three decimals of 0–1, which is one decimal of 0–100.
    total = round_half_up(scored(rows).score[:, 0], 1)
    ours = ["" if np.isnan(score) else str(Decimal(repr(float(score))) / 100) for score in total]
    published = [row["hdi_published"] for row in rows]
    pairs = [(own, theirs) for own, theirs in zip(ours, published, strict=True) if theirs]
    assert len(pairs) == 204
    assert [own for own, theirs in pairs if Decimal(own) != Decimal(theirs)] == []
    assert [own for own, theirs in zip(ours, published, strict=True) if not theirs] == ["", ""]


def test_all_published_ranks_come_out(rows):
    countries = [row for row in rows if row["hdi_rank_published"]]
    assert len(countries) == 193
    ranks = scored(countries).rank[:, 0].tolist()
    assert ranks == [int(row["hdi_rank_published"]) for row in countries]
