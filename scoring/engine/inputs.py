"""What a round hands to the engine, and the checks that it makes sense."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .states import State
from .tree import Tree


class InputError(ValueError):
    """Arrays that contradict each other or the tree.

    A fault of the caller, named by city and leaf if possible.
    """


@dataclass(frozen=True, eq=False)
class RoundInputs:
    """One round: C cities, L leaves in the order of ``Tree.leaf_codes``, R reviewers (R may be 0).

    ``values`` (C, L) float64: quantity — the reported x in its unit; rubric and checklist — the self-score,
    0–100; bonus — points; NaN none. ``states`` (C, L) int8, as reported. ``marks`` (R, C, L) float64:
    finished marks in the units of ``values``, NaN where there is none with a score.
    ``accepts_not_applicable`` (R, C, L) bool: a finished mark that accepts 不适用. ``rulings`` (C, L)
    float64, in the same units, NaN none. ``submitted`` (C,) bool; what a city that has not submitted holds is
    not looked at. ``ruled_not_applicable`` (C, L) bool: a ruling that the leaf does not apply; None is none.
    """

    cities: tuple[str, ...]
    values: NDArray[np.float64]
    states: NDArray[np.int8]
    marks: NDArray[np.float64]
    accepts_not_applicable: NDArray[np.bool_]
    rulings: NDArray[np.float64]
    submitted: NDArray[np.bool_]
    ruled_not_applicable: NDArray[np.bool_] | None = None


def check_inputs(tree: Tree, inputs: RoundInputs) -> None:
    """Refuse inputs that cannot be scored.

    Raises:
        InputError: a wrong shape or type, an infinite number, a VALUE without a number, a state that is not
            reported by cities.
    """
    cells = (len(inputs.cities), len(tree.leaf_codes))
    reviewers = inputs.marks.shape[0] if inputs.marks.ndim == 3 else 0
    expected: dict[str, tuple[int, ...]] = {
        "values": cells,
        "states": cells,
        "rulings": cells,
        "marks": (reviewers, *cells),
        "accepts_not_applicable": (reviewers, *cells),
        "submitted": cells[:1],
    }
    for name, shape in expected.items():
        if getattr(inputs, name).shape != shape:
            raise InputError(f"{name} has shape {getattr(inputs, name).shape}, expected {shape}")
    for name in ("accepts_not_applicable", "submitted"):
        if getattr(inputs, name).dtype != np.bool_:
            raise InputError(f"{name} must be boolean")
    away = inputs.ruled_not_applicable
    if away is not None and (away.shape != cells or away.dtype != np.bool_):
        raise InputError(f"ruled_not_applicable must be boolean and have the shape {cells}")
    _check_numbers(tree, inputs)


def _check_numbers(tree: Tree, inputs: RoundInputs) -> None:
    seen = inputs.submitted[:, np.newaxis]
    states = inputs.states
    unknown = seen & ((states < State.VALUE) | (states > State.NOT_APPLICABLE))
    _refuse(tree, inputs, unknown, "a state that no city can report")
    missing = seen & (states == State.VALUE) & ~np.isfinite(inputs.values)
    _refuse(tree, inputs, missing, "state VALUE without a finite value")
    _refuse(tree, inputs, np.isinf(inputs.rulings), "an infinite ruling")
    if inputs.ruled_not_applicable is not None:
        both = inputs.ruled_not_applicable & ~np.isnan(inputs.rulings)
        _refuse(tree, inputs, both, "a ruling with a value that does not apply as well")
    for marks in inputs.marks:
        _refuse(tree, inputs, np.isinf(marks), "an infinite mark")


def _refuse(tree: Tree, inputs: RoundInputs, wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        city, leaf = np.argwhere(wrong)[0]
        raise InputError(f"city {inputs.cities[city]}, leaf {tree.leaf_codes[leaf]}: {what}")
