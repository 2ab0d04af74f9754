"""Reads of consultations: whose comments, in which order, grouped by what they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.permissions import is_administrator
from indicators.models import Comment, Consultation, Framework
from indicators.permissions import is_participant
from indicators.queries import FrameworkTree

WHOLE = "-"  # in a query string: comments on the framework as a whole
OPEN, ANSWERED = "open", "answered"


def live_comments(consultation: Consultation) -> QuerySet[Comment]:
    """What was not withdrawn, with author and change: one query."""
    return consultation.comments.filter(withdrawn_at=None).select_related("author", "next_framework")


def own_comments(consultation: Consultation, user: Any) -> QuerySet[Comment]:
    """A person's own comments, the withdrawn ones too."""
    return consultation.comments.filter(author=user).select_related("author", "next_framework")


def listed_consultations(user: Any) -> list[Consultation]:
    """What a list of frameworks leads `user` to: open ones, answered ones, and those that one took part in.

    Administrators get all of them. One query where there is nothing to list.
    """
    now = timezone.now()
    found = Consultation.objects.select_related("framework")
    if is_administrator(user):
        return list(found)
    is_open = Q(framework__status=Framework.Status.DRAFT, opened_at__lte=now, closes_at__gt=now)
    took_part = Exists(Comment.objects.filter(consultation=OuterRef("pk"), author=user))
    listed = list(found.filter(is_open | Q(answers_published_at__isnull=False) | took_part))
    return listed if listed and is_participant(user) else []


def in_order(comments: Iterable[Comment], tree: FrameworkTree) -> list[Comment]:
    """The whole framework first, then in the order of the tree; what the draft no longer has stands last."""
    places = {indicator.code: number for number, indicator in enumerate(tree.indicators)}
    last = len(places)

    def place(comment: Comment) -> tuple[int, str, Any, int]:
        at = -1 if not comment.indicator_code else places.get(comment.indicator_code, last)
        return (at, comment.indicator_code, comment.created_at, comment.pk)

    return sorted(comments, key=place)


@dataclass(frozen=True)
class Group:
    """The comments on one indicator; `gone` when the draft no longer has it."""

    subject: str
    gone: bool
    comments: list[Comment]


def grouped(comments: Iterable[Comment], tree: FrameworkTree) -> list[Group]:
    groups: list[Group] = []
    codes: list[str] = []
    for comment in in_order(comments, tree):
        code = comment.indicator_code
        if not codes or codes[-1] != code:
            codes.append(code)
            groups.append(Group(comment.subject, bool(code) and code not in tree.by_code, []))
        groups[-1].comments.append(comment)
    return groups


def filtered(
    comments: Sequence[Comment],
    tree: FrameworkTree,
    *,
    dimension: str = "",
    kind: str = "",
    state: str = "",
) -> list[Comment]:
    """`dimension` is a root's code or `WHOLE`; `state` is open, answered or an outcome; empty filters nothing."""

    def keeps(comment: Comment) -> bool:
        if dimension == WHOLE and comment.indicator_code:
            return False
        if dimension and dimension != WHOLE:
            about = tree.by_code.get(comment.indicator_code)
            if about is None or tree.dimension_of(about).code != dimension:
                return False
        if kind and comment.kind != kind:
            return False
        return (
            not state
            or state == comment.outcome
            or (state == OPEN and not comment.is_answered)
            or (state == ANSWERED and comment.is_answered)
        )

    return [comment for comment in comments if keeps(comment)]
