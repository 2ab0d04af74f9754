"""A stored result as arrays, for exports: what the snapshot says, not what the database holds today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.engine import State, score_round
from scoring.inputs import GatheredInputs
from scoring.models import NodeScore, ResultSnapshot
from scoring.snapshots import read_inputs

Floats = NDArray[np.float64]
_STATES = {state.word: int(state) for state in State}
_NUMBERS = (
    "self_score", "score", "effective_weight", "points", "points_lost", "rank", "rank_low", "rank_high",
)  # fmt: skip
_BATCH = 10_000


class DamagedResultsError(Exception):
    """A snapshot's rows do not fit its inputs; the message is a sentence for an administrator."""


@dataclass(frozen=True, eq=False)
class Results:
    """C cities × N nodes in the order of `gathered`; NaN is none. Ranks are floats for that reason."""

    snapshot: ResultSnapshot
    gathered: GatheredInputs
    state: NDArray[np.int8]
    self_score: Floats
    score: Floats
    effective_weight: Floats
    points: Floats
    points_lost: Floats
    rank: Floats
    rank_low: Floats
    rank_high: Floats

    def reviewer_scores(self) -> Floats:
        """Each reviewer's leaf scores, (R, C, L): the only figures that are computed again instead of read."""
        gathered = self.gathered
        return score_round(gathered.tree, gathered.rules, gathered.inputs).reviewer_leaf


def load_results(snapshot: ResultSnapshot) -> Results:
    """Read a snapshot in two queries.

    Raises:
        DamagedResultsError: rows are missing, or the stored inputs cannot be read.
    """
    try:
        gathered = read_inputs(snapshot)
    except Exception as error:  # whatever damaged bytes make the readers raise
        raise DamagedResultsError(f"快照 {snapshot.pk} 存档的输入无法读取。") from error
    codes = gathered.tree.codes
    shape = (len(gathered.inputs.cities), len(codes))
    # rows were written cities first, nodes in the order of the tree
    rows = (
        NodeScore.objects.filter(snapshot=snapshot)
        .order_by("pk")
        .values_list("node_code", "state", *_NUMBERS)
    )
    states, numbers = (
        np.zeros(shape[0] * shape[1], dtype=np.int8),
        np.empty((len(_NUMBERS), shape[0] * shape[1])),
    )
    if not _fill(rows.iterator(chunk_size=_BATCH), codes, states, numbers):
        raise DamagedResultsError(f"快照 {snapshot.pk} 的得分行与存档的输入不符，请先核验快照。")
    return Results(
        snapshot=snapshot,
        gathered=gathered,
        state=states.reshape(shape),
        **{name: column.reshape(shape) for name, column in zip(_NUMBERS, numbers, strict=True)},
    )


def _fill(
    rows: Iterator[tuple[Any, ...]], codes: Sequence[str], states: NDArray[np.int8], numbers: Floats
) -> bool:
    """Read the rows into the columns; whether their codes are `codes` over and over, and as many as there is room."""
    expected, start = cycle(codes), 0
    while batch := list(islice(rows, _BATCH)):
        part_codes, part_states, *part_numbers = zip(*batch, strict=True)
        end = start + len(batch)
        if end > states.size or part_codes != tuple(islice(expected, len(batch))):
            return False
        states[start:end] = [_STATES[word] for word in part_states]
        for column, part in zip(numbers, part_numbers, strict=True):
            column[start:end] = part
        start = end
    return start == states.size
