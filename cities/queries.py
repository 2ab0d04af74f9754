"""Reads that more than one page or command needs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from cities import evidence_rules
from cities.answers import Content, Problem, content_of, resolve
from cities.models import (
    Answer,
    City,
    Department,
    Evidence,
    Membership,
    Responsibility,
    ReturnItem,
    Round,
    Submission,
    Supplement,
)
from cities.scope import memberships_of
from cities.trees import tree_of
from indicators.models import Indicator
from indicators.queries import FrameworkTree

#: what those who fill in have declared complete; the first still waits for the lead
MARKED = (Answer.Status.READY, Answer.Status.APPROVED)


def submissions() -> QuerySet[Submission]:
    return Submission.objects.select_related("round__framework", "city")


def submissions_of(user: Any) -> QuerySet[Submission]:
    """The submissions of the cities that `user` works for, newest round first."""
    return (
        submissions().filter(city__memberships__user=user).order_by("-round__year", "-round_id", "city__code")
    )


def members(city: City) -> QuerySet[Membership]:
    """Who works for the city, leads first, then by department and name."""
    return (
        Membership.objects.filter(city=city)
        .select_related("user", "department")
        .order_by("-role", "department__name", "user__display_name", "id")
    )


def live_evidence(submission: Submission) -> QuerySet[Evidence]:
    return Evidence.objects.filter(submission=submission, deleted_at=None).select_related(
        "indicator", "file", "added_by"
    )


@dataclass(frozen=True)
class Task:
    """One leaf of a city's task list.

    `remarks` are the returns that still wait for an answer, `questions` those of reviewers; only `load_work` reads
    the two, and the supporting departments.
    """

    indicator: Indicator
    answer: Answer
    evidence_count: int
    problems: tuple[Problem, ...]
    points: float | None
    maximum: float | None
    remarks: tuple[ReturnItem, ...] = ()
    questions: int = 0

    @property
    def content(self) -> Content:
        return content_of(self.answer)

    @property
    def responsibility(self) -> Responsibility | None:
        return getattr(self.answer, "responsibility", None)

    @property
    def lead_department(self) -> Department | None:
        return self.responsibility.lead_department if self.responsibility else None

    @property
    def person(self) -> Any:
        return self.responsibility.person if self.responsibility else None

    @property
    def due_on(self) -> date | None:
        return self.responsibility.due_on if self.responsibility else None

    @property
    def is_assigned(self) -> bool:
        return self.lead_department is not None or self.person is not None

    @property
    def is_marked(self) -> bool:
        """Those who fill it in say that it is complete, whether or not the lead has looked at it."""
        return self.answer.status in MARKED

    @property
    def is_done(self) -> bool:
        """Nothing is wrong, and it was marked complete or handed in."""
        handed_in = self.answer.submission.is_handed_in and self.answer.status == Answer.Status.DRAFT
        return not self.problems and (self.is_marked or handed_in)

    @property
    def needs_fixing(self) -> bool:
        """Somebody worked on it, and something is still wrong."""
        return bool(self.problems) and self.answer.status != Answer.Status.EMPTY

    @property
    def is_returned(self) -> bool:
        return bool(self.remarks) or self.answer.status == Answer.Status.RETURNED

    def is_late(self, today: date) -> bool:
        """Its internal deadline has passed, and it is neither marked complete nor handed in."""
        return self.due_on is not None and self.due_on < today and not self.is_marked and not self.is_done


@dataclass(frozen=True)
class Group:
    """A dimension with its tasks."""

    dimension: Indicator
    tasks: list[Task] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(task.is_done for task in self.tasks)


@dataclass(frozen=True)
class TaskList:
    """A city's whole submission in the framework's order, read in a constant number of queries."""

    tree: FrameworkTree
    groups: list[Group]

    @property
    def tasks(self) -> list[Task]:
        return [task for group in self.groups for task in group.tasks]

    @property
    def done(self) -> int:
        return sum(group.done for group in self.groups)

    def task_of(self, indicator_id: int) -> Task | None:
        return next((task for task in self.tasks if task.indicator.pk == indicator_id), None)

    @property
    def blocking(self) -> list[Task]:
        """What must be fixed before the submission can be handed in."""
        return [task for task in self.tasks if task.problems]


def load_task_list(submission: Submission, visible: Collection[int] | None = None) -> TaskList:
    """Tree, answers and evidence counts of a submission: two queries and those of the tree, whatever the number of
    leaves.

    Args:
        visible: ids of the leaves to list, see `cities.scope.visible_leaves`; None for all of them.
    """
    answers = submission.answers.select_related("responsibility__lead_department", "responsibility__person")
    return _task_list(submission, visible, answers)


def load_work(
    submission: Submission, visible: Collection[int] | None = None, *, supporting: bool = True
) -> TaskList:
    """As `load_task_list`, with open remarks and reviewers' questions: two queries more, and one for the departments.

    Args:
        supporting: also read the supporting departments.
    """
    answers = submission.answers.select_related("responsibility__lead_department", "responsibility__person")
    if supporting:
        answers = answers.prefetch_related("responsibility__supporting_departments")
    remarks: dict[int, list[ReturnItem]] = {}
    for item in open_remarks(submission):
        remarks.setdefault(item.answer_id, []).append(item)
    questions = dict(
        open_questions(submission).order_by().values_list("indicator_id").annotate(count=Count("id"))
    )
    return _task_list(submission, visible, answers, remarks, questions)


def _task_list(
    submission: Submission,
    visible: Collection[int] | None,
    stored: QuerySet[Answer],
    remarks: Mapping[int, list[ReturnItem]] = MappingProxyType({}),
    questions: Mapping[int, int] = MappingProxyType({}),
) -> TaskList:
    tree = tree_of(submission.round.framework)
    answers = {answer.indicator_id: answer for answer in stored}
    evidence = evidence_rules.files_by_leaf(submission)
    groups: dict[int, Group] = {}
    for leaf in tree.leaves:
        if visible is not None and leaf.pk not in visible:
            continue
        dimension = tree.dimension_of(leaf)
        group = groups.setdefault(dimension.pk, Group(dimension))
        answer = answers[leaf.pk]
        answer.indicator = leaf
        files, year = evidence.get(leaf.pk, []), submission.round.year
        resolved = resolve(leaf, content_of(answer), year=year, evidence_count=len(files))
        problems = resolved.problems + evidence_rules.problems(leaf, files, year)
        row = tree.row(leaf.code)
        group.tasks.append(
            Task(
                leaf, answer, len(files), problems, row.points, row.maximum,
                tuple(remarks.get(answer.pk, ())), questions.get(leaf.pk, 0),
            )
        )  # fmt: skip
    return TaskList(tree, list(groups.values()))


def open_remarks(submission: Submission) -> QuerySet[ReturnItem]:
    """What was returned, officially or inside the city, and is not ready again."""
    return ReturnItem.objects.filter(
        answer__submission=submission, resolved_at=None, part_of__closed_at=None
    ).select_related("part_of__by")


def open_questions(submission: Submission) -> QuerySet[Supplement]:
    """Reviewers' questions that the city has not answered."""
    return Supplement.objects.filter(submission=submission, replied_at=None, withdrawn_at=None)


@dataclass(frozen=True)
class WorkCounts:
    """What waits for one person in one submission, as the home page counts it. `late` is by the internal deadline."""

    total: int = 0
    marked: int = 0
    returned: int = 0
    late: int = 0
    waiting: int = 0  # for the lead's approval


def work_counts(user: Any, submissions: Iterable[Submission]) -> dict[int, WorkCounts]:
    """Submission id -> counts over the leaves that this person sees: memberships, and one query more."""
    seen = Q(pk=None)
    for member in memberships_of(user).values():
        own = Q(submission__city=member.city_id)
        if member.role != Membership.Role.LEAD and member.department_id is not None:
            own &= (
                Q(responsibility__lead_department=member.department_id)
                | Q(responsibility__supporting_departments=member.department_id)
                | Q(responsibility__person=user)
            )
        seen |= own
    marked = Q(status__in=MARKED)
    open_ = ~Q(submission__status__in=Submission.HANDED_IN)
    late = Q(responsibility__due_on__lt=timezone.localdate()) & ~marked & open_
    back = Q(return_items__resolved_at=None, return_items__part_of__closed_at=None) & Q(
        return_items__isnull=False
    )

    def count(condition: Q | None = None) -> Count:
        return Count("pk", filter=condition, distinct=True)  # the joins repeat an answer

    rows = (
        Answer.objects.filter(seen, submission__in=list(submissions))
        .order_by()
        .values_list("submission_id")
        .annotate(
            total=count(),
            marked=count(marked),
            returned=count(back),
            late=count(late),
            waiting=count(Q(status=Answer.Status.READY)),
        )
    )
    return {pk: WorkCounts(*numbers) for pk, *numbers in rows}


def round_progress(round_: Round) -> QuerySet[Submission]:
    """The submissions of a round with the number of leaves and of those that carry an answer."""
    answered = ~Q(answers__value_state=Answer.ValueState.BLANK)
    return (
        submissions()
        .filter(round=round_)
        .annotate(leaf_count=Count("answers"), answered_count=Count("answers", filter=answered))
        .order_by("city__code")
    )
