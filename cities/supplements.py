"""Which of the reviewers' questions a person may see, and what of them."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.permissions import is_administrator
from cities.models import Submission, Supplement
from cities.permissions import works_for_city
from cities.scope import visible_leaves


@dataclass(frozen=True)
class Question:
    """A question as one person sees it. The asker's name is nowhere in it.

    `asker` is R1 for the city and the organisers, 您 for whoever asked, empty for other reviewers: they see what the
    city added, and not what a colleague wanted to know.
    """

    supplement: Supplement
    asker: str
    is_own: bool

    @property
    def is_open(self) -> bool:
        return self.supplement.replied_at is None and self.supplement.withdrawn_at is None

    @property
    def is_overdue(self) -> bool:
        return (
            self.is_open
            and self.supplement.due_on is not None
            and self.supplement.due_on < timezone.localdate()
        )

    @property
    def state(self) -> tuple[str, str]:
        """A word for the state and the sign that goes with it."""
        if self.supplement.withdrawn_at is not None:
            return "已撤回", "recused"
        if self.supplement.replied_at is not None:
            return "已答复", "done"
        return ("已过期限", "unavailable") if self.is_overdue else ("待答复", "ready")


def questions_for(user: Any, submission: Submission, indicator_id: int | None = None) -> list[Question]:
    """The questions about a submission that this person may see, oldest first; at most two queries.

    The city sees all that were asked about its own leaves; whoever asked sees the own ones; other reviewers see the
    city's answer alone: the question would tell them what a colleague thinks of the matter.
    """
    found = Supplement.objects.filter(submission=submission).select_related("indicator")
    if indicator_id is not None:
        found = found.filter(indicator=indicator_id)
    in_city = works_for_city(user, submission)
    steers = in_city or is_administrator(user)
    visible = visible_leaves(user, submission) if in_city else None
    questions = []
    for one in found:
        own = one.asked_by_id == user.pk
        if in_city and visible is not None and one.indicator_id not in visible:
            continue
        if not steers and not own and one.replied_at is None:
            continue
        asker = f"R{one.seat}" if steers else "您" if own else ""
        questions.append(Question(one, asker, own))
    return questions
