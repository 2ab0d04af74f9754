"""Everything that changed a city's score, in order of time: who (a role or a seat, never a name), when, why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from cities.models import Receipt, Return, Submission
from cities.scope import visible_leaves
from scoring.models import Appeal, NodeScore, Reconsideration, ResultSnapshot, ReviewAssignment, Ruling
from scoring.permissions import result_was_sent
from scoring.words import one_decimal

CITY, PANEL, ORGANISERS = "本市", "评审组", "组织方"


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `who` is a role or a seat; `why` may be empty; `url` leads to where it is told."""

    at: datetime
    what: str
    who: str
    why: str = ""
    url: str = ""
    codes: tuple[str, ...] = ()


def trail_of(submission: Submission, user: Any) -> list[Entry]:
    """The trail, oldest first: eight queries at most.

    Before the city has been sent its result it sees nothing of the review; an editor of a department sees nothing of
    other departments' indicators.
    """
    inside = user.has_perm("scoring.moderate", submission)
    visible = visible_leaves(user, submission)
    own: set[str] | None = None
    if visible is not None:
        own = set(submission.answers.filter(indicator__in=visible).values_list("indicator__code", flat=True))
    entries = [*_receipts(submission), *_returns(submission, own)]
    if inside or result_was_sent(user, submission):
        result_url = _result_url(user, submission)
        entries += [
            *_reviews(submission, result_url), *_reconsiderations(submission), *_rulings(submission, inside),
            *_appeals(submission, inside), *_results(submission, result_url, inside),
        ]  # fmt: skip
    if own is not None:
        entries = [one for one in entries if not one.codes or own & set(one.codes)]
    return sorted(entries, key=lambda one: one.at)


def _receipts(submission: Submission) -> Iterator[Entry]:
    for receipt in Receipt.objects.filter(submission=submission).order_by("sequence").defer("content"):
        what = "提交填报" if receipt.sequence == 1 else f"第 {receipt.sequence} 次提交填报"
        yield Entry(
            receipt.at, f"{what}，回执 {receipt.number}", CITY,
            url=reverse("submission:receipt_one", args=[submission.pk, receipt.sequence]),
        )  # fmt: skip


def _returns(submission: Submission, own: set[str] | None) -> Iterator[Entry]:
    """The official returns; of their items those alone whose codes are in `own`, None for all."""
    official = Return.objects.filter(submission=submission, kind=Return.Kind.OFFICIAL)
    for one in official.prefetch_related("items__answer__indicator"):
        items = [item for item in one.items.all() if own is None or item.answer.indicator.code in own]
        if not items:
            continue
        codes = tuple(item.answer.indicator.code for item in items)
        remarks = "；".join(f"{item.answer.indicator.code}：{item.remark}" for item in items)
        yield Entry(
            one.at, f"退回修改：{'、'.join(codes)}", ORGANISERS,
            why="；".join(part for part in (one.reason, remarks) if part),
            url=reverse("submission:returns", args=[submission.pk]), codes=codes,
        )  # fmt: skip


def _reviews(submission: Submission, url: str) -> Iterator[Entry]:
    done = ReviewAssignment.objects.filter(submission=submission, status=ReviewAssignment.Status.FINISHED)
    for task in done.exclude(finished_at=None):
        assert task.finished_at is not None
        yield Entry(task.finished_at, "完成评审", f"R{task.seat}", url=url)


def _reconsiderations(submission: Submission) -> Iterator[Entry]:
    asked = Reconsideration.objects.filter(divergence__submission=submission, kept__isnull=False)
    for one in asked.select_related("assignment", "divergence__indicator"):
        code = one.divergence.indicator.code
        what = f"复议 {code}：{'维持原评分' if one.kept else '调整了评分'}"
        assert one.answered_at is not None
        yield Entry(one.answered_at, what, f"R{one.assignment.seat}", one.reply, codes=(code,))


def _rulings(submission: Submission, inside: bool) -> Iterator[Entry]:
    rows = Ruling.objects.filter(submission=submission).select_related("indicator", "by", "appeal")
    for one in rows:
        code = one.indicator.code
        what = f"裁定 {code}：{ruling_words(one)}"
        if one.appeal_id:
            what += "（因申诉）"
        if one.superseded_at:
            what += "；后已不再有效"
        url = reverse("moderation:cell", args=[submission.round.code, submission.pk, code]) if inside else ""
        yield Entry(one.at, what, _decider(one.by), one.reason, url, (code,))


def ruling_words(ruling: Ruling) -> str:
    """What was ruled: a level with its score, items, a value, or 不适用."""
    if ruling.accepts_not_applicable:
        return "不适用"
    value = f"{ruling.value:.10g}"
    if ruling.level:
        return f"等级 {ruling.level}，{value} 分"
    if ruling.items:
        return f"要点 {'均未达到' if ruling.items == '0' else ruling.items}，{value} 分"
    return value


def _decider(user: Any) -> str:
    return "管理员" if user.is_administrator else "评审组长"


def _appeals(submission: Submission, inside: bool) -> Iterator[Entry]:
    for one in Appeal.objects.filter(submission=submission).select_related("indicator", "decided_by"):
        code = one.indicator.code
        url = (
            reverse("moderation:appeal", args=[submission.round.code, one.pk])
            if inside
            else reverse("appeals:list", args=[submission.pk])
        )
        yield Entry(one.at, f"申诉 {code}", CITY, one.reason, url, (code,))
        if one.decided_at is not None:
            who = CITY if one.status == Appeal.Status.WITHDRAWN else _decider(one.decided_by)
            what = (
                "撤回申诉"
                if one.status == Appeal.Status.WITHDRAWN
                else f"答复申诉：{one.get_status_display()}"
            )
            yield Entry(one.decided_at, f"{what}（{code}）", who, one.reply, url, (code,))


def _results(submission: Submission, url: str, inside: bool) -> Iterator[Entry]:
    """Each result that the city was told, with its total before and after; inside also those that it was not."""
    rows = NodeScore.objects.filter(submission=submission, node_code=NodeScore.TOTAL).select_related(
        "snapshot"
    )
    before: float | None = None
    for row in rows.defer("snapshot__inputs", "snapshot__robustness").order_by("snapshot_id"):
        snapshot = row.snapshot
        told = snapshot.provisional_at or snapshot.finalised_at or snapshot.published_at
        if told is None and not inside:
            continue
        total = one_decimal(row.score) or "—"
        change = "" if before is None else f"，此前为 {one_decimal(before)}"
        erratum = snapshot.erratum if snapshot.published_at else ""
        why = snapshot.reason if inside else erratum  # why it was computed again is not for outside
        words = f"{_kind_of(snapshot)} #{snapshot.pk}：总分 {total}{change}"
        yield Entry(told or snapshot.created_at, words, ORGANISERS, why, url)
        before = row.score if row.score is not None else before


def _kind_of(snapshot: ResultSnapshot) -> str:
    if snapshot.provisional_at:
        return "送达初步结果"
    if snapshot.finalised_at:
        return "结果定稿"
    return "公布结果" if snapshot.published_at else "计算得分（未送达）"


def _result_url(user: Any, submission: Submission) -> str:
    """Where the city reads what it was told; empty where it was told nothing."""
    told = user.has_perm("scoring.see_sent_result", submission)
    return reverse("appeals:result", args=[submission.pk]) if told else ""
