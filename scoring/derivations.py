"""What an explanation consists of: a formula, steps in words, the children or the marks that went in."""

from dataclasses import dataclass
from typing import Protocol

from scoring.engine import State
from scoring.models import NodeScore

STATE_OF = {state.word: state for state in State}
LABELS = {STATE_OF[word]: label for word, label in NodeScore.State.choices}


class ScoredCell(Protocol):
    """What an explanation reads of one city's result at one node."""

    @property
    def state(self) -> str: ...
    @property
    def score(self) -> float | None: ...


@dataclass(frozen=True)
class Term:
    """One child in a formula: its score, its weight among its siblings, and the share it takes of this city's score.

    `share` and `score` are None for a child that is left out; `why` says by which rule.
    """

    code: str
    name: str
    state: str
    score: float | None
    weight: float | None
    share: float | None
    why: str = ""
    is_bonus: bool = False

    @property
    def state_label(self) -> str:
        return LABELS[STATE_OF[self.state]]

    @property
    def part(self) -> float | None:
        """What the child adds where the rule is arithmetic."""
        return None if self.share is None or self.score is None else self.share * self.score


@dataclass(frozen=True)
class MarkText:
    """One reviewer's mark: the seat, what was given, the score it makes (None: 不适用 accepted)."""

    seat: int
    given: float | None
    score: float | None
    how: str


@dataclass(frozen=True)
class RulingText:
    """The ruling that stands in place of the panel: its number, what was ruled, the score it makes, why."""

    number: int
    given: float | None
    score: float | None
    how: str
    reason: str


@dataclass(frozen=True)
class Derivation:
    """How one city came by its score at one node: a formula, further steps in words, and what went in."""

    code: str
    name: str
    state: str
    score: float | None
    formula: str
    steps: tuple[tuple[str, str], ...] = ()
    terms: tuple[Term, ...] = ()
    left_out: tuple[Term, ...] = ()
    marks: tuple[MarkText, ...] = ()
    ruling: RulingText | None = None
    rule: str = ""
    reported: float | None = None
    version: int = 0
    parent: str = ""
    kind: str = ""
    is_bonus: bool = False

    @property
    def state_label(self) -> str:
        return LABELS[STATE_OF[self.state]]

    @property
    def text(self) -> str:
        """All of it in one line, for the sheet 推导."""
        return "；".join(
            [*(f"{label}：{text}" for label, text in self.steps), *([self.formula] if self.formula else [])]
        )
