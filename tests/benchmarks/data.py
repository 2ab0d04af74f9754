"""A framework of 60 leaves and rounds of any size, seeded."""

from decimal import Decimal

import numpy as np

from scoring.engine import Missing, NodeSpec, RoundInputs, Rules, Tree, Unreviewed, parse_curve

LEAVES, REVIEWERS = 60, 3
CURVE = "0:0|40:50|100:100"


def nodes():
    """(code, parent, weight, kind) of 6 dimensions × 2 × 5 leaves: two quantities and three rubrics in each five."""
    for d in range(1, 7):
        yield f"D{d}", "", d, ""
        for s in range(1, 3):
            yield f"D{d}{s}", f"D{d}", s, ""
            for k in range(1, 6):
                yield f"D{d}{s}{k}", f"D{d}{s}", k, "quantity" if k <= 2 else "rubric"


def tree() -> Tree:
    return Tree.build(
        [
            NodeSpec(
                code, parent, Decimal(weight), kind, curve=parse_curve(CURVE) if kind == "quantity" else None
            )
            for code, parent, weight, kind in nodes()
        ]
    )


RULES = Rules(missing=Missing.EXCLUDE, unreviewed=Unreviewed.STAND)


def numbers(cities: int, *, seed: int = 1, gaps: float = 0.05, reviewers: int = REVIEWERS):
    """Answers (C, L) with NaN gaps, and marks (R, C, L), NaN in the same places."""
    generator = np.random.default_rng(seed)
    ability = generator.normal(0, 10, (cities, 1))
    values = np.clip(generator.normal(60, 15, (cities, LEAVES)) + ability, 0, 100)
    values[generator.random(values.shape) < gaps] = np.nan
    marks = np.clip(values + generator.normal(0, 5, (reviewers, cities, LEAVES)), 0, 100)
    return values, marks


def inputs(cities: int, *, reviewers: int = REVIEWERS, gaps: float = 0.05) -> RoundInputs:
    values, marks = numbers(cities, reviewers=reviewers, gaps=gaps)
    return RoundInputs(
        cities=tuple(f"c{number}" for number in range(cities)),
        values=values,
        states=np.isnan(values).astype(np.int8),  # a gap is blank
        marks=marks,
        accepts_not_applicable=np.zeros(marks.shape, dtype=bool),
        rulings=np.full(values.shape, np.nan),
        submitted=np.ones(cities, dtype=bool),
    )
