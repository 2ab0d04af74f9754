"""Giving out review tasks and taking them back. Marks that were given stay for ever. No HTTP here."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused
from cities.models import City, Round, Submission
from indicators.models import Indicator
from scoring.actions.divergence import sync_divergences
from scoring.conflicts import person_of
from scoring.models import Mark, Recusal, ReviewAssignment, ReviewerProfile
from scoring.permissions import OPEN_TO_REVIEW
from scoring.provisional import refresh as refresh_provisional
from scoring.scope import leaf_ids

_OVER = (Submission.Status.PROVISIONAL, Submission.Status.APPEALED, Submission.Status.FINAL)
Status = ReviewAssignment.Status


def administrators() -> list[User]:
    return list(User.objects.filter(is_active=True, role=User.Role.ADMINISTRATOR))


def why_review_is_open(round_: Round) -> str:
    """Why the rules of judging cannot change any more; empty before the first mark."""
    if ReviewAssignment.objects.filter(submission__round=round_, status=Status.FINISHED).exists():
        return "已有专家完成评审"
    if Mark.objects.filter(assignment__submission__round=round_, status=Mark.Status.DONE).exists():
        return "已有专家给出评分"
    return ""


def _check_dimensions(submission: Submission, dimensions: Sequence[str]) -> list[str]:
    """In the framework's order, each once; all of them is no limit."""
    roots = Indicator.objects.filter(framework_id=submission.round.framework_id, parent=None)
    codes = list(roots.order_by("position", "id").values_list("code", flat=True))
    unknown = [code for code in dimensions if code not in codes]
    if unknown:
        raise ActionRefused(f"指标体系中没有维度“{'、'.join(unknown)}”。")
    chosen = [code for code in codes if code in set(dimensions)]
    return [] if len(chosen) == len(codes) else chosen


def _lock(submission_id: int) -> Submission:
    """The submission, locked, so that two administrators do not give out the same seat."""
    return (
        Submission.objects.select_for_update(of=("self",))
        .select_related("city", "round")
        .get(pk=submission_id)
    )


def _lock_task(assignment: ReviewAssignment) -> ReviewAssignment:
    found = (
        ReviewAssignment.objects.select_for_update(of=("self",))
        .select_related("submission__city", "submission__round__framework", "reviewer")
        .filter(pk=assignment.pk)
        .first()
    )
    if found is None:
        raise ActionRefused("此评审任务已被取消。")
    return found


def _refuse_when_over(submission: Submission) -> None:
    if submission.status in _OVER:
        raise ActionRefused(f"{submission.city}的评审已经结束，不能再调整评审专家。")


@transaction.atomic
def assign_reviewer(
    *,
    submission: Submission,
    reviewer: User,
    by: User | None,
    dimensions: Sequence[str] = (),
    seat: int | None = None,
    tell: bool = True,
) -> ReviewAssignment:
    """Give a reviewer a seat at a submission. Doing it twice changes nothing; a former seat is taken up again.

    Args:
        dimensions: codes of the dimensions to judge; none means all.
        seat: a free seat of one's choice; else the next one.
        tell: leave the reviewer a notice.

    Raises:
        ActionRefused: not a reviewer, a person of that city or province, recused, or the seat is taken.
    """
    if not reviewer.is_reviewer:
        raise ActionRefused(f"“{reviewer}”不是评审专家，不能分配评审任务。")
    locked = _lock(submission.pk)
    existing = ReviewAssignment.objects.filter(submission=locked, reviewer=reviewer).first()
    if existing and existing.status != Status.RECUSED:
        return existing
    _refuse_when_over(locked)
    _refuse_conflict(locked, reviewer)
    chosen = _check_dimensions(locked, dimensions)
    if existing:
        existing.status, existing.dimensions = Status.ASSIGNED, chosen
        existing.save(update_fields=["status", "dimensions"])
        made = existing
        refresh_provisional(locked)
    else:
        made = ReviewAssignment.objects.create(
            submission=locked, reviewer=reviewer, seat=_free_seat(locked, seat), dimensions=chosen
        )
    audit.record(
        actor=by, action="assign_reviewer", target=locked, reviewer=reviewer.username, seat=made.seat,
        dimensions=chosen,
    )  # fmt: skip
    if tell:
        text = f"您有新的评审任务：{locked.round}，{locked.city}。"
        notify(
            [reviewer], kind="assigned", text=text, url=reverse("review:index"), key=_once("assigned", made)
        )
    return made


def _once(kind: str, task: ReviewAssignment) -> str:
    """Told again when the task changed hands in between: the log of decisions counts the times."""
    times = Recusal.objects.filter(reviewer=task.reviewer_id, city=task.submission.city_id).count()
    return f"{kind}:{task.submission_id}:{task.pk}:{times}"


def _refuse_conflict(submission: Submission, reviewer: User) -> None:
    why = person_of(submission.round, reviewer).conflict_with(submission.city)
    if why == "本市人员":
        raise ActionRefused(f"“{reviewer}”是{submission.city}的工作人员，应当回避。请改选其他专家。")
    if why == "本省人员":
        raise ActionRefused(
            f"“{reviewer}”与{submission.city}同在{submission.city.province_zh}，应当回避。请改选其他专家。"
        )
    if why:
        raise ActionRefused(f"“{reviewer}”已登记回避{submission.city}。请改选其他专家。")


def _free_seat(submission: Submission, wanted: int | None) -> int:
    taken = set(submission.assignments.values_list("seat", flat=True))
    if wanted is None:
        return int(submission.assignments.aggregate(last=Max("seat"))["last"] or 0) + 1
    if wanted in taken:
        raise ActionRefused(f"{submission.city}的席位 R{wanted} 已有专家。")
    return wanted


@transaction.atomic
def set_dimensions(*, assignment: ReviewAssignment, dimensions: Sequence[str], by: User) -> ReviewAssignment:
    """Limit a task to dimensions, or lift the limit. Refused when marks outside it are there, or it is finished."""
    locked = _lock_task(assignment)
    chosen = _check_dimensions(locked.submission, dimensions)
    if chosen == locked.dimensions:
        return locked
    if locked.status != Status.ASSIGNED:
        raise ActionRefused("此评审任务已完成或已回避，不能调整维度。")
    before = locked.dimensions
    locked.dimensions = chosen
    outside = _marked_outside(locked)
    if outside:
        raise ActionRefused(f"已有评分的指标 {'、'.join(outside[:5])} 不在所选维度内，不能缩小范围。")
    locked.save(update_fields=["dimensions"])
    audit.record(
        actor=by, action="set_review_dimensions", target=locked, reviewer=locked.reviewer.username,
        before=before, after=chosen,
    )  # fmt: skip
    return locked


def _marked_outside(task: ReviewAssignment) -> list[str]:
    covered = leaf_ids(task)
    if covered is None:
        return []
    return [
        code
        for leaf, code in task.marks.values_list("indicator_id", "indicator__code")
        if leaf not in covered
    ]


def has_work(task: ReviewAssignment) -> bool:
    """Whether the reviewer left a trace that has to stay: a mark, a question to the city, a reconsideration."""
    asked = task.submission.supplements.filter(asked_by=task.reviewer_id).exists()
    return asked or task.marks.exists() or task.reconsiderations.exists()


@transaction.atomic
def take_off(*, assignment: ReviewAssignment, by: User, reason: str = "") -> None:
    """Take a reviewer off a city: without a trace where there is no work yet, else with a reason; the marks stay.

    Raises:
        ActionRefused: there are marks and no reason, or the review is over.
    """
    locked = _lock_task(assignment)
    if locked.status == Status.RECUSED:
        return
    _refuse_when_over(locked.submission)
    reviewer, city = locked.reviewer, locked.submission.city
    if has_work(locked):
        if not reason.strip():
            raise ActionRefused(f"“{reviewer}”对{city}已有评分或提问，取消时请写明原因。")
        _stand_down(locked, kind=Recusal.Kind.DECLINED, reason=reason, by=by)
    else:
        locked.delete()
        sync_divergences(submission=locked.submission)
    audit.record(
        actor=by, action="take_off_reviewer", target=locked.submission, reviewer=reviewer.username,
        seat=locked.seat, reason=reason,
    )  # fmt: skip
    notify(
        [reviewer], kind="unassigned", text=f"管理员已取消您对{city}的评审任务。", url=reverse("review:index"),
        key=f"unassigned:{locked.submission_id}:{reviewer.pk}:{assignment.pk}",
    )  # fmt: skip


def _stand_down(task: ReviewAssignment, *, kind: str, reason: str, by: User) -> None:
    task.status, task.finished_at = Status.RECUSED, None
    task.save(update_fields=["status", "finished_at"])
    Recusal.objects.get_or_create(
        round=task.submission.round, reviewer=task.reviewer, city=task.submission.city,
        defaults={"kind": kind, "reason": reason.strip(), "by": by},
    )  # fmt: skip
    refresh_provisional(task.submission)
    sync_divergences(submission=task.submission)


@transaction.atomic
def recuse(*, assignment: ReviewAssignment, kind: str, reason: str, by: User) -> None:
    """A reviewer steps back from a task. What was marked stays and no longer counts. Twice is once.

    Raises:
        ActionRefused: no reason, or the task is finished.
    """
    locked = _lock_task(assignment)
    if locked.status == Status.RECUSED:
        return
    if not reason.strip():
        raise ActionRefused("请说明原因。")
    if kind not in Recusal.Kind.values:
        raise ActionRefused("请选择是回避还是谢绝。")
    if locked.status == Status.FINISHED:
        raise ActionRefused("此评审任务已完成。如需回避，请联系管理员。")
    if locked.submission.status in _OVER:
        raise ActionRefused("此城市的评审已经结束。")
    _stand_down(locked, kind=kind, reason=reason, by=by)
    audit.record(
        actor=by, action="recuse", target=locked.submission, reviewer=locked.reviewer.username,
        seat=locked.seat, kind=kind, reason=reason.strip(),
    )  # fmt: skip
    word = Recusal.Kind(kind).label
    notify(
        administrators(), kind="recused", text=f"{locked.reviewer}{word}{locked.submission.city}的评审，请补派专家。",
        url=reverse("manage:assignment", args=[locked.submission.round.code]), key=_once("recused", locked),
    )  # fmt: skip


@transaction.atomic
def declare_conflicts(
    *, round_: Round, reviewer: User, cities: Iterable[City], reason: str, by: User
) -> list[Recusal]:
    """Declare that a reviewer will not judge these cities of the round; an open task there is given back with it.

    Raises:
        ActionRefused: no reason, no city, a city that does not take part, or a task there that is finished.
    """
    cities = list(cities)
    if not reason.strip():
        raise ActionRefused("请说明原因。")
    if not cities:
        raise ActionRefused("请选择需要回避的城市。")
    taking_part = set(round_.submissions.filter(city__in=cities).values_list("city_id", flat=True))
    absent = [str(city) for city in cities if city.pk not in taking_part]
    if absent:
        raise ActionRefused(f"{'、'.join(absent)}没有参加本轮。")
    made = []
    for city in cities:
        task = ReviewAssignment.objects.filter(
            submission__round=round_, submission__city=city, reviewer=reviewer
        ).first()
        if task is not None and task.status != Status.RECUSED:
            recuse(assignment=task, kind=Recusal.Kind.CONFLICT, reason=reason, by=by)
        row, is_new = Recusal.objects.get_or_create(
            round=round_, reviewer=reviewer, city=city,
            defaults={"kind": Recusal.Kind.CONFLICT, "reason": reason.strip(), "by": by},
        )  # fmt: skip
        if is_new:
            made.append(row)
            audit.record(
                actor=by, action="declare_conflict", target=f"{round_.code} · {city}", reviewer=reviewer.username,
                reason=reason.strip(),
            )  # fmt: skip
    if made and by == reviewer:
        names = "、".join(str(row.city) for row in made)
        notify(
            administrators(), kind="conflict", text=f"{reviewer}登记回避：{names}。",
            url=reverse("manage:recusals", args=[round_.code]), key=f"conflict:{made[-1].pk}",
        )  # fmt: skip
    return made


@transaction.atomic
def lift_recusal(*, recusal: Recusal, by: User, reason: str) -> None:
    """Take a recusal back, entered by mistake or out of date. A task that was given up stays so until assigned again.

    Raises:
        ActionRefused: no reason.
    """
    if not reason.strip():
        raise ActionRefused("请写明撤销原因。")
    audit.record(
        actor=by, action="lift_recusal", target=f"{recusal.round.code} · {recusal.city}",
        reviewer=recusal.reviewer.username, declared=recusal.reason, kind=recusal.kind, reason=reason.strip(),
    )  # fmt: skip
    recusal.delete()


@transaction.atomic
def save_profile(
    *, reviewer: User, city: City | None, province_zh: str, most_cities: int | None, by: User
) -> ReviewerProfile:
    """Where a reviewer comes from and how many cities at most; every change is logged."""
    new = {"city": city, "province_zh": province_zh.strip(), "most_cities": most_cities}
    profile, made = ReviewerProfile.objects.select_for_update(of=("self",)).get_or_create(
        user=reviewer, defaults=new
    )
    if not made and all(getattr(profile, name) == value for name, value in new.items()):
        return profile
    for name, value in new.items():
        setattr(profile, name, value)
    profile.save()
    audit.record(
        actor=by, action="save_reviewer_profile", target=reviewer.username, city=city.code if city else "",
        province=new["province_zh"], most_cities=most_cities,
    )  # fmt: skip
    return profile


@transaction.atomic
def set_anchors(*, round_: Round, chosen: Iterable[Submission], by: User) -> int:
    """Name the cities that everybody scores, for calibration; how many changed.

    Raises:
        ActionRefused: the review is under way.
    """
    locked = Round.objects.select_for_update(of=("self",)).get(pk=round_.pk)
    wanted = {one.pk for one in chosen}
    changed = [
        one for one in locked.submissions.select_related("city") if one.is_anchor != (one.pk in wanted)
    ]
    why = why_review_is_open(locked)
    if changed and why:
        raise ActionRefused(f"{why}，不能再调整校准城市。")
    for one in changed:
        Submission.objects.filter(pk=one.pk).update(is_anchor=one.pk in wanted)
    if changed:
        names = [str(one.city) for one in locked.submissions.select_related("city").filter(is_anchor=True)]
        audit.record(actor=by, action="set_anchors", target=locked.code, anchors=names)
    return len(changed)


@transaction.atomic
def reopen_review(*, assignment: ReviewAssignment, reason: str, by: User) -> ReviewAssignment:
    """Open a finished task again; the reviewer is told why.

    Raises:
        ActionRefused: no reason, the task is not finished, the results are published or the review is over.
    """
    locked = _lock_task(assignment)
    if not reason.strip():
        raise ActionRefused("请写明重新打开的原因。")
    if locked.status != Status.FINISHED:
        raise ActionRefused("此评审任务没有完成，无需重新打开。")
    if locked.submission.status not in OPEN_TO_REVIEW:
        raise ActionRefused(f"{locked.submission.city}已不在评审阶段，不能重新打开评审。")
    if locked.submission.round.results_published_at is not None:
        raise ActionRefused("本轮结果已公布，不能重新打开评审。")
    was = locked.finished_at
    locked.status, locked.finished_at = Status.ASSIGNED, None
    locked.save(update_fields=["status", "finished_at"])
    audit.record(
        actor=by, action="reopen_review", target=locked, reviewer=locked.reviewer.username, reason=reason.strip(),
        finished_at=was.isoformat() if was else "",
    )  # fmt: skip
    sync_divergences(submission=locked.submission)
    notify(
        [locked.reviewer], kind="reopened", url=reverse("review:index"),
        text=f"您对{locked.submission.city}的评审已重新打开：{reason.strip()}",
        key=f"reopened:{locked.pk}:{was.isoformat() if was else ''}",
    )  # fmt: skip
    return locked
