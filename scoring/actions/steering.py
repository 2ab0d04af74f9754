"""What an administrator does to a round under way: its rules before the review, reminders. No HTTP here."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import Notice, User
from accounts.notices import notify
from cities.actions import ActionRefused
from cities.actions.rounds import read_grade_bands
from cities.models import Membership, Round, Submission
from scoring.actions.assigning import why_review_is_open
from scoring.models import ReviewAssignment

#: decided before the first mark: they say how marks are judged and brought together
JUDGING_RULES = ("panel", "divergence_points", "divergence_levels", "grade_bands")
OTHER_RULES = ("change_threshold", "results_expected_on")
REVIEW, CITY = "remind_review", "remind_city"


@transaction.atomic
def set_rules(*, round_: Round, rules: Mapping[str, Any], by: User) -> list[str]:
    """Change what may still be changed of a round's rules; the names of what changed.

    Args:
        rules: values by field name, of `JUDGING_RULES` and `OTHER_RULES`.

    Raises:
        ActionRefused: a rule of judging after the first mark, anything after the results are published, or grade
            bands that cannot be read.
    """
    locked = Round.objects.select_for_update(of=("self",)).get(pk=round_.pk)
    known = (*JUDGING_RULES, *OTHER_RULES)
    if "grade_bands" in rules:
        rules = {**rules, "grade_bands": read_grade_bands(rules["grade_bands"], locked.framework)}
    changed = [name for name in known if name in rules and getattr(locked, name) != rules[name]]
    if not changed:
        return []
    if locked.results_published_at is not None:
        raise ActionRefused("本轮结果已公布，规则不能再修改。")
    why = why_review_is_open(locked)
    if why and set(changed) & set(JUDGING_RULES):
        raise ActionRefused(f"{why}，评审汇总方式、分歧阈值和等级划分不能再修改。")
    before = {name: _plain(getattr(locked, name)) for name in changed}
    for name in changed:
        setattr(locked, name, rules[name])
    locked.save(update_fields=changed)
    after = {name: _plain(rules[name]) for name in changed}
    audit.record(actor=by, action="set_round_rules", target=locked.code, before=before, after=after)
    return changed


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else str(value)


def _remind(round_: Round, people: Iterable[tuple[User, str]], *, kind: str, url: str) -> int:
    """One reminder a day and person; how many were told now."""
    people = list(people)
    key = f"{kind}:{round_.pk}:{timezone.localdate().isoformat()}"
    users = [user for user, _ in people]
    told = set(Notice.objects.filter(user__in=users, key=key).values_list("user_id", flat=True))
    fresh = [(user, text) for user, text in people if user.pk not in told and user.is_active]
    for user, text in fresh:
        notify([user], kind=kind, text=text, url=url, key=key)
    return len(fresh)


@transaction.atomic
def remind_reviewers(*, round_: Round, chosen: Iterable[int], by: User) -> int:
    """Remind those reviewers (ids) who have unfinished tasks of the round; once a day, counted by the notices.

    Raises:
        ActionRefused: nobody of them has anything to do, or everybody was reminded today.
    """
    tasks = ReviewAssignment.objects.filter(
        submission__round=round_, reviewer__in=list(chosen), status=ReviewAssignment.Status.ASSIGNED,
        submission__status__in=Submission.HANDED_IN,
    ).select_related("reviewer")  # fmt: skip
    counts: dict[int, int] = {}
    users: dict[int, User] = {}
    for task in tasks:
        users[task.reviewer_id] = task.reviewer
        counts[task.reviewer_id] = counts.get(task.reviewer_id, 0) + 1
    people = [
        (user, f"提醒：您在“{round_}”还有 {counts[pk]} 个城市的评审没有完成。") for pk, user in users.items()
    ]
    return _reminded(round_, people, kind=REVIEW, url=reverse("review:index"), by=by)


@transaction.atomic
def remind_cities(*, round_: Round, chosen: Iterable[int], by: User) -> int:
    """Remind the leads of those submissions (ids) that are not handed in; once a day.

    Raises:
        ActionRefused: nobody of them has anything to do, or everybody was reminded today.
    """
    waiting = {
        one.city_id: one
        for one in Submission.objects.filter(round=round_, pk__in=list(chosen))
        .exclude(status__in=Submission.HANDED_IN)
        .select_related("round")
    }
    leads = Membership.objects.filter(city__in=list(waiting), role=Membership.Role.LEAD)
    people = []
    for one in leads.select_related("user", "city"):
        deadline = waiting[one.city_id].deadline
        until = f"，截止时间 {timezone.localtime(deadline):%Y-%m-%d %H:%M}" if deadline else ""
        people.append((one.user, f"提醒：{one.city}的“{round_}”填报尚未提交{until}。"))
    return _reminded(round_, people, kind=CITY, url="/", by=by)


def _reminded(round_: Round, people: list[tuple[User, str]], *, kind: str, url: str, by: User) -> int:
    if not people:
        raise ActionRefused("所选人员没有待办事项，没有发出提醒。")
    told = _remind(round_, people, kind=kind, url=url)
    if not told:
        raise ActionRefused("所选人员今天都已提醒过，每人每天最多提醒一次。")
    audit.record(
        actor=by,
        action=kind,
        target=round_.code,
        people=sorted(user.username for user, _ in people),
        told=told,
    )
    return told
