"""From a computed result to a published one: finalising, publishing, correcting, and who may see it. No HTTP here."""

from collections.abc import Collection

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused, NotReady
from cities.answers import Problem
from cities.models import Membership, Round, Submission
from scoring import publication
from scoring.models import ResultSnapshot, ReviewAssignment

Audience = Round.Audience


def _require_administrator(by: User) -> None:
    if not by.is_administrator:
        raise ActionRefused("只有管理员可以定稿和公布结果。")


def _lock(snapshot: ResultSnapshot) -> tuple[Round, ResultSnapshot]:
    round_ = (
        Round.objects.select_for_update(of=("self",)).select_related("framework").get(pk=snapshot.round_id)
    )
    stored = ResultSnapshot.objects.select_for_update(of=("self",)).defer("inputs").get(pk=snapshot.pk)
    stored.round = round_
    return round_, stored


def _require_reason(reason: str, words: str) -> str:
    if not reason.strip():
        raise NotReady((Problem("reason", words),))
    return reason.strip()


@transaction.atomic
def finalise_result(*, snapshot: ResultSnapshot, reason: str, by: User) -> ResultSnapshot:
    """Make a result final: from then on the database refuses every change to it. Doing it twice changes nothing.

    The submissions that it stands on become 已定稿; cities without a result keep their state.

    Raises:
        ActionRefused: not an administrator, something is undecided or unfinished, or the inputs changed since.
        NotReady: no reason.
    """
    _require_administrator(by)
    round_, stored = _lock(snapshot)
    if stored.finalised_at is not None:
        return stored
    reason = _require_reason(reason, "请写明定稿的依据，例如会议或文件。")
    hindrances = publication.why_not_final(stored)
    if hindrances:
        raise ActionRefused("现在不能定稿：" + "".join(hindrances))
    final = [one.pk for one in publication.assessed(stored)]
    stored.finalised_at, stored.finalised_by = timezone.now(), by
    stored.save(update_fields=["finalised_at", "finalised_by"])
    Submission.objects.filter(pk__in=final).update(status=Submission.Status.FINAL)
    audit.record(
        actor=by, action="finalise_results", target=round_.code, snapshot=stored.pk, digest=stored.digest,
        reason=reason, cities=len(final),
    )  # fmt: skip
    return stored


@transaction.atomic
def publish_results(
    *,
    snapshot: ResultSnapshot,
    by: User,
    audience: str | None = None,
    shows_ranks: bool | None = None,
    unlisted: Collection[int] | None = None,
    erratum: str = "",
) -> Round:
    """Open a finalised result to its audience; a later computation stays inside until it is published too.

    Doing it twice changes nothing.

    Args:
        audience: a `Round.Audience`; what the round says already when None, as for the others.
        shows_ranks: whether ranks are shown to those who do not run the round.
        unlisted: ids of the submissions that the public list leaves out.
        erratum: of a correction, what was wrong and what changed: everybody reads it beside the result.

    Raises:
        ActionRefused: not an administrator, not finalised, or a newer result is published already.
        NotReady: a correction without an erratum.
    """
    _require_administrator(by)
    round_, stored = _lock(snapshot)
    if stored.published_at is not None:
        return round_
    if stored.finalised_at is None:
        raise ActionRefused("只有定稿的结果才能公布。请先定稿。")
    earlier = publication.published(round_).first()
    if earlier is not None and earlier.pk > stored.pk:
        raise ActionRefused(f"已公布了更新的结果（快照 {earlier.pk}），不能再公布较早的结果。")
    if earlier is not None and not erratum.strip():
        raise NotReady((Problem("erratum", "这是对已公布结果的更正，请写明更正说明。"),))
    shown = _set_audience(round_, audience, shows_ranks, unlisted)
    stored.published_at, stored.erratum = timezone.now(), erratum.strip() if earlier else ""
    stored.save(update_fields=["published_at", "erratum"])
    if round_.results_published_at is None:
        round_.results_published_at = stored.published_at
        round_.save(update_fields=["results_published_at"])
    _tell(round_, stored)
    audit.record(
        actor=by, action="publish_results", target=round_.code, snapshot=stored.pk, digest=stored.digest,
        erratum=stored.erratum, replaces=earlier.pk if earlier else None, **shown,
    )  # fmt: skip
    return round_


@transaction.atomic
def set_audience(
    *, round_: Round, audience: str, shows_ranks: bool, unlisted: Collection[int], reason: str, by: User
) -> Round:
    """Change who sees the round's results, also after publication. The same again changes nothing.

    Raises:
        ActionRefused: not an administrator.
        NotReady: no reason, where results are published.
    """
    _require_administrator(by)
    locked = Round.objects.select_for_update(of=("self",)).get(pk=round_.pk)
    before = _audience_of(locked)
    if before == {"audience": audience, "shows_ranks": shows_ranks, "unlisted": sorted(unlisted)}:
        return locked
    if locked.results_published_at is not None:
        reason = _require_reason(reason, "结果已公布，请写明更改公开范围的原因。")
    after = _set_audience(locked, audience, shows_ranks, unlisted)
    audit.record(
        actor=by, action="set_audience", target=locked.code, before=before, after=after, reason=reason
    )
    return locked


def _audience_of(round_: Round) -> dict[str, object]:
    unlisted = sorted(round_.submissions.filter(is_listed=False).values_list("pk", flat=True))
    return {"audience": round_.audience, "shows_ranks": round_.shows_ranks, "unlisted": unlisted}


def _set_audience(
    round_: Round, audience: str | None, shows_ranks: bool | None, unlisted: Collection[int] | None
) -> dict[str, object]:
    """Write what is given; what holds then."""
    if audience is not None:
        round_.audience = Audience(audience)
    if shows_ranks is not None:
        round_.shows_ranks = shows_ranks
    round_.save(update_fields=["audience", "shows_ranks"])
    if unlisted is not None:
        round_.submissions.filter(pk__in=unlisted).update(is_listed=False)
        round_.submissions.exclude(pk__in=unlisted).update(is_listed=True)
    return _audience_of(round_)


def _tell(round_: Round, snapshot: ResultSnapshot) -> None:
    """A notice for everybody whom the round concerns and who may read the result."""
    staff = Membership.objects.filter(city__submissions__round=round_).select_related("user")
    people = {member.user_id: member.user for member in staff}
    if round_.audience != Audience.OWN:
        tasks = ReviewAssignment.objects.filter(submission__round=round_).exclude(
            status=ReviewAssignment.Status.RECUSED
        )
        people |= {task.reviewer_id: task.reviewer for task in tasks.select_related("reviewer")}
    words = "评价结果有更正，已重新公布" if snapshot.erratum else "评价结果已公布"
    notify(
        people.values(),
        kind="published",
        text=f"{round_.name}：{words}。",
        url=reverse("results:overview", args=[round_.code]),
        key=f"published:{snapshot.pk}",
    )
