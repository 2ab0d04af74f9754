"""Reads that more than one page or command needs."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet

from cities.answers import Content, Problem, content_of, resolve
from cities.models import Answer, Evidence, Round, Submission
from indicators.models import Indicator
from indicators.queries import FrameworkTree, load_tree


def submissions() -> QuerySet[Submission]:
    return Submission.objects.select_related("round__framework", "city")


def submissions_of(user: Any) -> QuerySet[Submission]:
    """The submissions of the cities that `user` works for, newest round first."""
    return (
        submissions().filter(city__memberships__user=user).order_by("-round__year", "-round_id", "city__code")
    )


def live_evidence(submission: Submission) -> QuerySet[Evidence]:
    return Evidence.objects.filter(submission=submission, deleted_at=None).select_related(
        "indicator", "file", "added_by"
    )


@dataclass(frozen=True)
class Task:
    """One leaf of a city's task list."""

    indicator: Indicator
    answer: Answer
    evidence_count: int
    problems: tuple[Problem, ...]
    points: float | None
    maximum: float | None

    @property
    def content(self) -> Content:
        return content_of(self.answer)

    @property
    def is_done(self) -> bool:
        return not self.problems and self.answer.status != Answer.Status.EMPTY

    @property
    def needs_fixing(self) -> bool:
        """Somebody worked on it, and something is still wrong."""
        return bool(self.problems) and self.answer.status != Answer.Status.EMPTY


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

    @property
    def blocking(self) -> list[Task]:
        """What must be fixed before the submission can be handed in."""
        return [task for task in self.tasks if task.problems]


def load_task_list(submission: Submission) -> TaskList:
    """Tree, answers and evidence counts of a submission: five queries, whatever the number of leaves."""
    tree = load_tree(submission.round.framework)
    answers = {answer.indicator_id: answer for answer in submission.answers.all()}
    counts = dict(
        Evidence.objects.filter(submission=submission, deleted_at=None)
        .values_list("indicator_id")
        .annotate(count=Count("id"))
    )
    groups: dict[int, Group] = {}
    for leaf in tree.leaves:
        dimension = tree.dimension_of(leaf)
        group = groups.setdefault(dimension.pk, Group(dimension))
        answer = answers[leaf.pk]
        count = counts.get(leaf.pk, 0)
        resolved = resolve(leaf, content_of(answer), year=submission.round.year, evidence_count=count)
        row = tree.row(leaf.code)
        group.tasks.append(Task(leaf, answer, count, resolved.problems, row.points, row.maximum))
    return TaskList(tree, list(groups.values()))


def round_progress(round_: Round) -> QuerySet[Submission]:
    """The submissions of a round with the number of leaves and of those that carry an answer."""
    answered = ~Q(answers__value_state=Answer.ValueState.BLANK)
    return (
        submissions()
        .filter(round=round_)
        .annotate(leaf_count=Count("answers"), answered_count=Count("answers", filter=answered))
        .order_by("city__code")
    )
