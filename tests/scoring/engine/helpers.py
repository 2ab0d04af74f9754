"""Small builders, so that a test shows only what it is about."""

import csv
from decimal import Decimal
from pathlib import Path

import numpy as np

from scoring.engine import NodeSpec, RoundInputs, State, Tree, parse_curve, parse_normalisation

REFERENCE = Path(__file__).parents[2] / "reference"
NAN = float("nan")
PLAIN = parse_curve("0:0|100:100")  # the score is the value


def group(code, parent="", weight="1", **more):
    return NodeSpec(code, parent, Decimal(weight), "", **more)


def leaf(code, parent="", weight="1", kind="rubric", **more):
    return NodeSpec(code, parent, Decimal(weight), kind, **more)


def quantity(code, parent="", weight="1", curve="0:0|100:100", normalisation="", **more):
    return leaf(
        code,
        parent,
        weight,
        "quantity",
        curve=parse_curve(curve) if curve else None,
        normalisation=parse_normalisation(normalisation),
        **more,
    )


def bonus(code, parent="", maximum=5.0):
    return NodeSpec(code, parent, None, "bonus", bonus_maximum=maximum)


def round_inputs(values, *, states=None, marks=None, accepts=None, rulings=None, submitted=None):
    """Inputs of a round; a NaN value is blank unless ``states`` say otherwise."""
    values = np.array(values, dtype=float)
    cities, leaves = values.shape
    if states is None:
        states = np.where(np.isnan(values), State.BLANK, State.VALUE)
    marks = np.array(marks, dtype=float) if marks is not None else np.empty((0, cities, leaves))
    if accepts is None:
        accepts = np.zeros(marks.shape, dtype=bool)
    return RoundInputs(
        cities=tuple(f"c{number}" for number in range(cities)),
        values=values,
        states=np.array(states, dtype=np.int8),
        marks=marks,
        accepts_not_applicable=np.array(accepts, dtype=bool),
        rulings=np.array(rulings, dtype=float) if rulings is not None else np.full(values.shape, np.nan),
        submitted=np.array(submitted, dtype=bool) if submitted is not None else np.ones(cities, dtype=bool),
    )


def column(tree: Tree, array, code):
    """A node's column of a (C, N) result, as a list."""
    return array[:, tree.index[code]].tolist()


def read_rows(*path):
    with REFERENCE.joinpath(*path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else NAN
