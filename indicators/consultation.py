"""Everything that writes consultations: open, extend, close, comment, answer, publish. No HTTP here."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NoReturn

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from indicators.consultation_texts import plain_text, present_content
from indicators.models import Comment, Consultation, Framework, Indicator

LONGEST = 2000  # characters of a text
LONGEST_NAME = 200


class ConsultationRefused(ValueError):
    """What was asked for cannot be done now; the message says why."""


@dataclass(frozen=True)
class CommentText:
    """What a person writes. `code` is empty for the framework as a whole."""

    code: str
    kind: str
    text: str
    suggestion: str = ""
    reason: str = ""

    def cleaned(self) -> "CommentText":
        """Without outer blanks, without characters that no document can carry, lines ended the same way."""
        return CommentText(*(_clean(getattr(self, field.name)) for field in fields(self)))


def problems_of(content: CommentText) -> list[tuple[str, str]]:
    """What is wrong with a comment, as pairs of field and sentence."""
    found = []
    if content.kind not in Comment.Kind.values:
        found.append(("kind", f"请选择意见类型：{'、'.join(map(str, Comment.Kind.labels))}。"))
    if not content.text:
        found.append(("text", "请填写意见内容。"))
    for name, label in (("text", "意见内容"), ("suggestion", "建议修改为"), ("reason", "理由")):
        too_long = len(getattr(content, name)) - LONGEST
        if too_long > 0:
            found.append((name, f"{label}最多 {LONGEST} 字，已超出 {too_long} 字，请删减。"))
    return found


def _clean(text: str) -> str:
    return plain_text(text).strip()


def _refuse(message: str) -> NoReturn:
    raise ConsultationRefused(message)


# --- the consultation ----------------------------------------------------------------------------------------


@transaction.atomic
def open_consultation(
    *, framework: Framework, title: str, invitation: str, closes_at: datetime, shares_comments: bool, by: User
) -> Consultation:
    """Open a draft edition for comment until `closes_at`.

    Raises:
        ConsultationRefused: the edition is no draft, was opened before, or the time lies in the past.
    """
    framework = Framework.objects.select_for_update().get(pk=framework.pk)
    now = timezone.now()
    if not framework.is_draft:
        _refuse(f"“{framework}”已发布，不能再征求意见。请复制为新版本后再征求意见。")
    _check_settings(title, closes_at, now)
    try:
        with transaction.atomic():
            made = Consultation.objects.create(
                framework=framework, title=_clean(title), invitation=_clean(invitation), opened_at=now,
                closes_at=closes_at, shares_comments=shares_comments, opened_by=by,
            )  # fmt: skip
    except IntegrityError as error:
        raise ConsultationRefused(f"“{framework}”已征求过意见。如需继续，请延长截止时间。") from error
    audit.record(
        actor=by, action="consultation.open", target=framework, title=made.title, closes_at=_iso(closes_at),
        shares_comments=shares_comments,
    )  # fmt: skip
    return made


def _check_settings(title: str, closes_at: datetime, now: datetime) -> None:
    if not _clean(title):
        _refuse("请填写标题。")
    if len(_clean(title)) > LONGEST_NAME:
        _refuse(f"标题最多 {LONGEST_NAME} 字。")
    if closes_at <= now:
        _refuse("截止时间应晚于现在。")


@transaction.atomic
def change_consultation(
    *,
    consultation: Consultation,
    title: str,
    invitation: str,
    closes_at: datetime,
    shares_comments: bool,
    by: User,
) -> Consultation:
    """Change the words or the closing time; a later time opens a closed consultation again.

    Raises:
        ConsultationRefused: the answers are published, the edition is no draft any more, or the time lies in the past.
    """
    stored = _locked(consultation)
    if stored.answers_published_at is not None:
        _refuse("采纳情况已公布，不能再延长征求意见。")
    if not stored.framework.is_draft:
        _refuse(f"“{stored.framework}”已发布，不能再征求意见。")
    _check_settings(title, closes_at, timezone.now())
    before = _iso(stored.closes_at)
    stored.title, stored.invitation = _clean(title), _clean(invitation)
    stored.closes_at, stored.shares_comments = closes_at, shares_comments
    stored.save()
    audit.record(
        actor=by, action="consultation.change", target=stored.framework, title=stored.title, closed_at=before,
        closes_at=_iso(closes_at), shares_comments=shares_comments,
    )  # fmt: skip
    return stored


@transaction.atomic
def close_consultation(*, consultation: Consultation, by: User) -> Consultation:
    """Take no more comments from now on. Doing it twice changes nothing."""
    stored = _locked(consultation)
    now = timezone.now()
    if now < stored.closes_at:
        planned, stored.closes_at = stored.closes_at, now
        stored.save(update_fields=["closes_at"])
        audit.record(actor=by, action="consultation.close", target=stored.framework, planned=_iso(planned))
    return stored


@transaction.atomic
def publish_answers(*, consultation: Consultation, by: User) -> Consultation:
    """Show everybody who was asked how each comment was answered. Doing it twice changes nothing.

    Raises:
        ConsultationRefused: it is still open, or comments wait for an answer.
    """
    stored = _locked(consultation)
    if stored.answers_published_at is not None:
        return stored
    if stored.is_open():
        _refuse("征求意见尚未截止，不能公布采纳情况。")
    waiting = stored.comments.filter(withdrawn_at=None, outcome="").count()
    if waiting:
        _refuse(f"还有 {waiting} 条意见没有答复，不能公布采纳情况。")
    stored.answers_published_at = timezone.now()
    stored.save(update_fields=["answers_published_at"])
    audit.record(actor=by, action="consultation.publish_answers", target=stored.framework)
    return stored


def note_export(*, consultation: Consultation, form: str, comments: int, by: User) -> None:
    """That the table of comments left the house, as which kind of file."""
    audit.record(
        actor=by,
        action="consultation.export",
        target=consultation.framework,
        format=form,
        comments=comments,
    )


def _locked(consultation: Consultation) -> Consultation:
    return (
        Consultation.objects.select_for_update(of=("self",))
        .select_related("framework")
        .get(pk=consultation.pk)
    )


def _iso(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")


# --- comments ------------------------------------------------------------------------------------------------


@transaction.atomic
def add_comment(
    *,
    consultation: Consultation,
    content: CommentText,
    organisation: str,
    by: User,
    source: str = Comment.Source.PAGE,
) -> Comment:
    """Write down one comment.

    Raises:
        ConsultationRefused: the consultation is closed, the indicator is not there, or a text is missing or too long.
    """
    stored = _locked(consultation)
    _require_open(stored)
    return _add(stored, content.cleaned(), _organisation(organisation), by, source)


def _add(
    consultation: Consultation, content: CommentText, organisation: str, by: User, source: str
) -> Comment:
    _require_sound(content)
    now = timezone.now()
    comment = Comment(
        consultation=consultation, author=by, organisation=organisation, source=source, created_at=now, updated_at=now,
        kind=content.kind, text=content.text, suggestion=content.suggestion, reason=content.reason,
    )  # fmt: skip
    if content.code:
        found = Indicator.objects.filter(framework_id=consultation.framework_id, code=content.code).first()
        if found is None:
            _refuse(f"征求意见稿中没有编号为“{content.code}”的指标，可能刚被修改。请刷新页面后重试。")
        comment.indicator_code, comment.indicator_name = found.code, found.name_zh
        comment.present = present_content(found)
    return _saved(comment, by, source)


@transaction.atomic
def change_comment(
    *,
    comment: Comment,
    content: CommentText,
    organisation: str,
    by: User,
    source: str = Comment.Source.PAGE,
) -> Comment:
    """Change one's own comment; what it said before stays in its history. The indicator it is about stays.

    Raises:
        ConsultationRefused: closed, withdrawn, answered, somebody else's, or a text is missing or too long.
    """
    _require_open(_locked(comment.consultation))
    stored = _own(comment, by)
    return _change(stored, content.cleaned(), _organisation(organisation), by, source)


def _change(comment: Comment, content: CommentText, organisation: str, by: User, source: str) -> Comment:
    _require_sound(content)
    new = (content.kind, content.text, content.suggestion, content.reason, organisation)
    if new == (comment.kind, comment.text, comment.suggestion, comment.reason, comment.organisation):
        return comment
    comment.kind, comment.text, comment.suggestion, comment.reason, comment.organisation = new
    comment.updated_at = timezone.now()
    return _saved(comment, by, source)


@transaction.atomic
def withdraw_comment(*, comment: Comment, by: User) -> Comment:
    """Take one's own comment back; the record stays. Doing it twice changes nothing.

    Raises:
        ConsultationRefused: closed, answered, or somebody else's.
    """
    _require_open(_locked(comment.consultation))
    stored = Comment.objects.select_for_update().get(pk=comment.pk)
    if stored.author_id == by.pk and stored.is_withdrawn:
        return stored
    stored = _own(stored, by)
    stored.withdrawn_at = stored.updated_at = timezone.now()
    return _saved(stored, by, "withdraw")


def _own(comment: Comment, by: User) -> Comment:
    stored = Comment.objects.select_for_update().get(pk=comment.pk)
    if stored.author_id != by.pk:
        _refuse("只能修改自己的意见。")
    if stored.is_withdrawn:
        _refuse("这条意见已撤回，不能再修改。如需重新提出，请另写一条。")
    if stored.is_answered:
        _refuse("这条意见已答复，不能再修改。如需补充，请另写一条。")
    return stored


def _require_open(consultation: Consultation) -> None:
    if not consultation.framework.is_draft:
        _refuse("征求意见稿已发布，不能再提出或修改意见。")
    if not consultation.is_open():
        when = timezone.localtime(consultation.closes_at).strftime("%Y-%m-%d %H:%M")
        _refuse(f"征求意见已于 {when} 截止，不能再提出或修改意见。")


def _require_sound(content: CommentText) -> None:
    problems = problems_of(content)
    if problems:
        _refuse("".join(message for _field, message in problems))


def _organisation(text: str) -> str:
    text = " ".join(_clean(text).split())
    if not text:
        _refuse("请填写意见单位。")
    if len(text) > LONGEST_NAME:
        _refuse(f"意见单位最多 {LONGEST_NAME} 字。")
    return text


def _saved(comment: Comment, by: User, why: str) -> Comment:
    comment._history_user, comment._change_reason = by, why
    comment.save()
    return comment


@dataclass(frozen=True)
class Taken:
    """What an uploaded form did."""

    added: int
    changed: int


@transaction.atomic
def take_form(
    *,
    consultation: Consultation,
    rows: Iterable[tuple[int | None, CommentText]],
    organisation: str,
    by: User,
) -> Taken:
    """Write the checked rows of a form: a comment each, or a change of the own comment that the row names.

    Raises:
        ConsultationRefused: as `add_comment` and `change_comment`; nothing is written.
    """
    stored = _locked(consultation)
    _require_open(stored)
    organisation = _organisation(organisation)
    added = changed = 0
    for number, content in rows:
        if number is None:
            _add(stored, content.cleaned(), organisation, by, Comment.Source.WORKBOOK)
            added += 1
            continue
        comment = Comment.objects.filter(pk=number, consultation=stored, author=by).first()
        if comment is None:
            _refuse(f"没有编号为 {number} 的意见，或不是您提出的。请重新下载表格。")
        _change(_own(comment, by), content.cleaned(), comment.organisation, by, Comment.Source.WORKBOOK)
        changed += 1
    audit.record(
        actor=by, action="consultation.upload", target=stored.framework, added=added, changed=changed
    )
    return Taken(added, changed)


# --- answers -------------------------------------------------------------------------------------------------


@transaction.atomic
def answer_comments(
    *,
    consultation: Consultation,
    comments: Collection[int],
    outcome: str,
    reason: str,
    next_framework: Framework | None,
    next_code: str,
    by: User,
) -> Sequence[Comment]:
    """Answer one comment, or several that say the same, and name the change that came of it.

    Args:
        comments: the ids; all of them belong to the consultation.
        next_framework: another edition of the same framework; with it `next_code` may name an indicator of that
            edition, or of this one where it was removed.

    Raises:
        ConsultationRefused: still open, a comment is withdrawn or not there, no reason, or an unknown place.
    """
    stored = _locked(consultation)
    if stored.is_open():
        _refuse("征求意见尚未截止。请在截止后答复，或先提前截止。")
    if outcome not in Comment.Outcome.values:
        _refuse("请选择采纳、部分采纳或不采纳。")
    reason, next_code = _clean(reason), _clean(next_code)
    if not reason:
        _refuse("请填写答复理由。")
    if len(reason) > LONGEST:
        _refuse(f"答复理由最多 {LONGEST} 字，已超出 {len(reason) - LONGEST} 字，请删减。")
    _check_change(stored.framework, next_framework, next_code)
    found = list(stored.comments.select_for_update().filter(pk__in=set(comments), withdrawn_at=None))
    if not found or len(found) != len(set(comments)):
        _refuse("所选意见中有已撤回或不存在的，请刷新页面后重新选择。")
    for comment in found:
        comment.outcome, comment.outcome_reason = outcome, reason
        comment.next_framework, comment.next_code = next_framework, next_code
        comment.answered_at, comment.answered_by = timezone.now(), by
        _saved(comment, by, "answer")
    audit.record(
        actor=by, action="consultation.answer", target=stored.framework, comments=[one.pk for one in found],
        outcome=outcome, change=f"{next_framework.edition} {next_code}".strip() if next_framework else "",
    )  # fmt: skip
    return found


def _check_change(framework: Framework, edition: Framework | None, code: str) -> None:
    if edition is None:
        if code:
            _refuse("请先选择对应修改所在的版本。")
        return
    if edition.code != framework.code or edition.pk == framework.pk:
        _refuse(f"“{edition}”不是“{framework.name_zh}”的另一版本。")
    known = Indicator.objects.filter(framework__in=[edition, framework], code=code)
    if code and not known.exists():
        _refuse(f"“{edition}”中没有编号为“{code}”的指标。")
