"""Everything that changes a city's submission: open, answer, attach, hand in. No HTTP here."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from cities import evidence as evidence_files
from cities.answers import CONTENT_FIELDS, Content, Problem, content_of, resolve
from cities.codes import code_problem
from cities.importers import REASON as DEFAULT_REASON
from cities.importers import ReadCell
from cities.models import Answer, ChangeSource, City, Evidence, Receipt, Round, Submission
from cities.phases import why_closed, why_round_closed
from cities.queries import live_evidence, load_task_list
from indicators.models import Framework, Indicator
from indicators.queries import load_tree

NAME_LENGTH = 200
FIRST_YEAR, LAST_YEAR = 1900, 2200


class ActionRefused(Exception):
    """The action is not possible now; the message says why, in words for the person who asked."""


@dataclass(frozen=True)
class FieldConflict:
    """One field that two people changed at the same time."""

    field: str
    mine: str
    theirs: str


class AnswerConflict(Exception):
    """Somebody else changed the same fields since the page was loaded; nothing was written."""

    def __init__(self, *, answer: Answer, merged: Content, conflicts: list[FieldConflict]) -> None:
        super().__init__("conflict")
        self.answer = answer
        self.merged = merged
        self.conflicts = conflicts


class NotReady(Exception):
    """The draft was saved, but problems keep it from being marked ready or handed in."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("not ready")
        self.problems = problems


# ---------------------------------------------------------------------------------------------- rounds


@transaction.atomic
def open_round(
    *,
    code: str,
    framework: Framework,
    year: int,
    by: User | None,
    name: str = "",
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    missing: str = "",
    panel: str = Round.Panel.MEAN,
    unreviewed: str = Round.Unreviewed.BLOCK,
    is_demo: bool = False,
    is_pilot: bool = False,
) -> Round:
    """Open a round on a published edition, or as a pilot on a draft.

    Raises:
        ActionRefused: the edition is a draft and the round no pilot, the draft cannot be scored, or the code is taken.
    """
    problem = code_problem(code)
    if problem:
        raise ActionRefused(f"轮次代码“{code}”{problem}。")
    if len(name) > NAME_LENGTH:
        raise ActionRefused(f"轮次名称超过 {NAME_LENGTH} 个字符。")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ActionRefused(f"评价年度应在 {FIRST_YEAR} 到 {LAST_YEAR} 之间，当前为 {year}。")
    if framework.status == Framework.Status.RETIRED:
        raise ActionRefused(f"“{framework}”已停用，不能用于新的轮次。请选择已发布的版本。")
    if framework.is_draft and not is_pilot:
        raise ActionRefused(f"“{framework}”尚未发布，不能用于轮次。请先发布该版本，或建立试点轮次。")
    trouble = load_tree(framework).trouble if framework.is_draft else ""
    if trouble:
        raise ActionRefused(f"“{framework}”还不能计分，不能用于试点：{trouble}")
    if Round.objects.filter(code=code).exists():
        raise ActionRefused(f"轮次“{code}”已存在。请换一个代码。")
    if closes_at is not None and opens_at is not None and closes_at <= opens_at:
        raise ActionRefused("截止时间应晚于开始时间。")
    made = Round.objects.create(
        code=code, name=name or code, framework=framework, year=year, opens_at=opens_at, closes_at=closes_at,
        missing=missing or framework.missing, panel=panel, unreviewed=unreviewed, is_demo=is_demo,
        is_pilot=is_pilot,
    )  # fmt: skip
    audit.record(
        actor=by, action="open_round", target=made.code, framework=str(framework), year=year, pilot=is_pilot
    )
    return made


@transaction.atomic
def complete_pilot(*, submission: Submission) -> int:
    """Give a pilot's submission an empty answer for each leaf that its draft has got since; how many.

    Leaves that carry answers cannot be deleted, so nothing that was reported is lost. One query where nothing is new.
    """
    round_ = submission.round
    if not (round_.is_pilot and round_.framework.is_draft):
        return 0
    there = Answer.objects.filter(submission=submission).values("indicator_id")
    leaves = Indicator.objects.filter(framework_id=round_.framework_id).exclude(kind="")
    missing = [Answer(submission=submission, indicator=leaf) for leaf in leaves.exclude(pk__in=there)]
    Answer.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


@transaction.atomic
def open_submission(*, round_: Round, city: City, by: User | None) -> Submission:
    """Let a city take part: its submission with one empty answer per leaf. Doing it twice changes nothing."""
    submission, made = Submission.objects.get_or_create(round=round_, city=city)
    if made:
        leaves = Indicator.objects.filter(framework_id=round_.framework_id).exclude(kind="")
        Answer.objects.bulk_create([Answer(submission=submission, indicator=leaf) for leaf in leaves])
        audit.record(actor=by, action="open_submission", target=submission)
    return submission


# --------------------------------------------------------------------------------------------- answers


def _require_open(submission: Submission, at: datetime | None = None) -> None:
    reason = why_closed(submission, at)
    if reason:
        raise ActionRefused(reason)


def _require_round_open(round_: Round) -> None:
    reason = why_round_closed(round_)
    if reason:
        raise ActionRefused(reason)


def _locked(submission: Submission) -> Submission:
    return Submission.objects.select_for_update(of=("self",)).select_related("round").get(pk=submission.pk)


def _merge(answer: Answer, mine: Content, seen_version: int) -> tuple[Content, list[FieldConflict]]:
    """Three-way merge of what is stored, what was seen, and what was typed."""
    theirs = content_of(answer)
    if seen_version == answer.version:
        return mine, []
    seen = answer.log.filter(version=seen_version).first()
    base = Content(**{name: getattr(seen, name) for name in CONTENT_FIELDS}) if seen else Content()
    merged: dict[str, str] = {}
    conflicts: list[FieldConflict] = []
    for name in CONTENT_FIELDS:
        was, his, own = getattr(base, name), getattr(theirs, name), getattr(mine, name)
        merged[name] = his if own == was else own
        if own != was and his not in (was, own):
            conflicts.append(FieldConflict(name, mine=own, theirs=his))
    return Content(**merged), conflicts


def save_answer(
    *,
    answer: Answer,
    content: Content,
    seen_version: int,
    by: User | None,
    source: str = ChangeSource.PAGE,
    ready: bool = False,
    at: datetime | None = None,
) -> Answer:
    """Save what was typed, also when it is invalid, and merge it with what others saved meanwhile.

    Args:
        seen_version: the version that the person had before them; different fields merge silently.
        ready: also mark it ready, which a valid answer only can be.
        at: when the request arrived; what was on its way at the cut-off counts. Now, if not given.

    Raises:
        ActionRefused: handed in, or outside the round's dates; nothing is written.
        AnswerConflict: the same field was changed by somebody else; nothing is written.
        NotReady: `ready` was asked for and problems remain; the draft is saved all the same.
    """
    with transaction.atomic():
        submission = _locked(answer.submission)
        _require_open(submission, at)
        stored = Answer.objects.select_for_update().get(pk=answer.pk)
        merged, conflicts = _merge(stored, content, seen_version)
        count = live_evidence(submission).filter(indicator_id=stored.indicator_id).count()
        resolved = resolve(answer.indicator, merged, year=submission.round.year, evidence_count=count)
        if conflicts:
            raise AnswerConflict(answer=stored, merged=merged, conflicts=conflicts)
        blocked = ready and bool(resolved.problems)
        changed = content_of(stored) != resolved.content
        status: str
        if ready and not blocked:
            status = Answer.Status.READY
        elif changed or blocked:
            status = Answer.Status.EMPTY if resolved.content == Content() else Answer.Status.DRAFT
        else:
            status = stored.status
        if changed or stored.status != status:
            apply_content(stored, resolved.content, resolved.value, status=status, by=by)
            stored._change_reason = source
            stored.save()
    if blocked:
        raise NotReady(resolved.problems)
    return stored


def apply_content(
    answer: Answer, content: Content, value: float | None, *, status: str, by: User | None
) -> None:
    """Put resolved content into an answer and count its version up; the caller saves."""
    for name in CONTENT_FIELDS:
        setattr(answer, name, getattr(content, name))
    answer.value = value
    answer.status = status
    answer.version += 1
    answer.updated_at = timezone.now()
    answer.updated_by = by
    answer._history_user = by


# -------------------------------------------------------------------------------------------- evidence


def add_evidence(
    *,
    submission: Submission,
    indicator: Indicator,
    upload: "UploadedFile[Any]",
    by: User,
    locator: str = "",
    at: datetime | None = None,
) -> Evidence:
    """Attach a file to an indicator under the next number, which is never used again.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
        evidence.EvidenceRefused: the file itself, or the same file stands there already.
    """
    at = at or timezone.now()
    _require_open(submission, at)
    checked = evidence_files.check(upload)
    evidence_files.keep_bytes(upload, checked)  # large files are copied before anybody has to wait for a lock
    with transaction.atomic():
        submission = _locked(submission)
        _require_open(submission, at)
        twin = live_evidence(submission).filter(indicator=indicator, file__sha256=checked.sha256).first()
        if twin is not None:
            raise evidence_files.EvidenceRefused(
                f"此文件已作为 {twin.number} 上传，可直接引用，无需重复上传。"
            )
        used = Evidence.objects.filter(submission=submission, indicator=indicator)
        last = used.aggregate(last=Max("sequence"))["last"]
        return Evidence.objects.create(
            submission=submission, indicator=indicator, sequence=(last or 0) + 1,
            file=evidence_files.record_of(checked), filename=checked.filename, locator=locator.strip()[:100],
            added_by=by,
        )  # fmt: skip


@transaction.atomic
def delete_evidence(*, evidence: Evidence, by: User) -> None:
    """Take a file back. Its record and number stay. Doing it twice changes nothing.

    Raises:
        ActionRefused: handed in, or outside the round's dates.
    """
    submission = _locked(evidence.submission)
    _require_open(submission)
    live = Evidence.objects.filter(pk=evidence.pk, deleted_at=None)
    if live.update(deleted_at=timezone.now(), deleted_by=by):
        audit.record(actor=by, action="delete_evidence", target=f"{submission} · {evidence.number}")


# -------------------------------------------------------------------------------------------- handing in


def submission_content(submission: Submission) -> dict[str, Any]:
    """What is handed in, in a form whose digest anybody can compute again: sorted JSON of this."""
    answers = submission.answers.select_related("indicator").order_by("indicator__position")
    files = live_evidence(submission).order_by("indicator__position", "sequence")
    return {
        "round": submission.round.code,
        "city": submission.city.code,
        "framework": [submission.round.framework.code, submission.round.framework.edition],
        "answers": [
            {"code": answer.indicator.code, "version": answer.version, "value": answer.value}
            | {name: getattr(answer, name) for name in CONTENT_FIELDS}
            for answer in answers
        ],
        "evidence": [
            {
                "number": file.number,
                "filename": file.filename,
                "locator": file.locator,
                "sha256": file.file.sha256,
            }
            for file in files
        ],
    }


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def submit_submission(
    *, submission: Submission, by: User, declared: bool, at: datetime | None = None
) -> Receipt:
    """Hand the submission in, once: a second click gets the receipt of the first.

    Raises:
        ActionRefused: the declaration is missing, or the round does not accept it now.
        NotReady: answers are missing or wrong.
    """
    with transaction.atomic():
        locked = _locked(submission)
        if locked.is_handed_in:
            return locked.receipts.latest("at")
        _require_open(locked, at)
        if not declared:
            raise ActionRefused("请先勾选声明，再提交。")
        problems = tuple(problem for task in load_task_list(locked).blocking for problem in task.problems)
        if problems:
            raise NotReady(problems)
        return hand_in(submission=locked, by=by)


@transaction.atomic
def hand_in(*, submission: Submission, by: User | None, detail: str = "") -> Receipt:
    """Lock the submission and write its receipt, without the checks of the web form."""
    now = timezone.now()
    content = submission_content(submission)
    sequence = submission.receipts.count() + 1
    submission.status = Submission.Status.SUBMITTED
    submission.submitted_at = now
    submission.save(update_fields=["status", "submitted_at"])
    demo = "演示" if submission.round.is_demo else ""
    receipt = Receipt.objects.create(
        submission=submission, sequence=sequence, at=now, by=by, content=content, sha256=content_digest(content),
        number=f"{demo}HZ{submission.round.year}-{submission.pk:06d}-{sequence:02d}",
    )  # fmt: skip
    audit.record(
        actor=by,
        action="submit",
        target=submission,
        receipt=receipt.number,
        sha256=receipt.sha256,
        detail=detail,
    )
    return receipt


# ------------------------------------------------------------------------------------------ whole files


@transaction.atomic
def import_cities(*, cities: list[City], by: User | None) -> tuple[int, int]:
    """Create or update cities by their code; returns how many are new and how many were there."""
    known = set(City.objects.filter(code__in=[city.code for city in cities]).values_list("code", flat=True))
    fields = ["adcode", "name_zh", "name_en", "province_zh", "level", "region", "case_title_zh", "case_page"]
    try:
        City.objects.bulk_create(cities, update_conflicts=True, unique_fields=["code"], update_fields=fields)
    except IntegrityError as error:
        raise ActionRefused("行政区划代码已被其他城市使用。请核对后再导入。") from error
    audit.record(actor=by, action="import_cities", target=f"{len(cities)} 个城市")
    return len(cities) - len(known), len(known)


@dataclass(frozen=True)
class ImportSummary:
    """What an import of answers did."""

    submissions: int
    changed: int
    unchanged: int
    handed_in: int


@transaction.atomic
def import_answers(
    *,
    round_: Round,
    answers: dict[int, list[ReadCell]],
    by: User | None,
    hand_in_all: bool = False,
    source: str = ChangeSource.WORKBOOK,
) -> ImportSummary:
    """Write a checked file: a submission per city of the file, also for a city without values.

    A cell that the file leaves empty leaves the answer as it is; a new answer is blank.

    Raises:
        ActionRefused: a city of the file has handed in already, or the round is closed.
    """
    if not hand_in_all:
        _require_round_open(round_)
    submissions = _submissions_for(round_, list(answers))
    for submission in submissions.values() if round_.is_pilot else ():
        complete_pilot(submission=submission)
    stored = {
        (answer.submission_id, answer.indicator_id): answer
        for answer in Answer.objects.select_for_update()
        .filter(submission__in=submissions.values())
        .iterator()
    }
    changed: list[Answer] = []
    unchanged = 0
    for city, cells in answers.items():
        for cell in cells:
            answer = stored[submissions[city].pk, cell.indicator.pk]
            content, value = _merged_cell(answer, cell)
            if content_of(answer) == content:
                unchanged += 1
                continue
            status = Answer.Status.EMPTY if content == Content() else Answer.Status.DRAFT
            apply_content(answer, content, value, status=status, by=by)
            changed.append(answer)
    fields = [*CONTENT_FIELDS, "value", "status", "version", "updated_at", "updated_by"]
    Answer.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["id"], update_fields=fields, batch_size=2000
    )
    Answer.history.bulk_history_create(
        changed, batch_size=2000, default_user=by, default_change_reason=source
    )
    if hand_in_all:
        for submission in submissions.values():
            hand_in(submission=submission, by=by, detail=source)
    audit.record(
        actor=by, action="import_answers", target=round_.code, cities=len(answers), changed=len(changed),
        handed_in=hand_in_all, source=source,
    )  # fmt: skip
    return ImportSummary(len(submissions), len(changed), unchanged, len(submissions) if hand_in_all else 0)


def _submissions_for(round_: Round, cities: list[int]) -> dict[int, Submission]:
    """The submissions of these cities, made with empty answers where there was none."""
    existing = {
        one.city_id: one
        for one in Submission.objects.select_for_update(of=("self",))
        .select_related("city", "round__framework")
        .filter(round=round_, city__in=cities)
    }
    locked = [str(one.city) for one in existing.values() if one.is_handed_in]
    if locked:
        raise ActionRefused(f"{'、'.join(locked[:5])}{'等' if len(locked) > 5 else ''}已提交，不能再导入。")
    Submission.objects.bulk_create(
        [Submission(round=round_, city_id=city) for city in cities if city not in existing]
    )
    leaves = list(Indicator.objects.filter(framework_id=round_.framework_id).exclude(kind=""))
    everyone = {
        one.city_id: one
        for one in Submission.objects.select_related("city", "round__framework").filter(
            round=round_, city__in=cities
        )
    }
    Answer.objects.bulk_create(
        [
            Answer(submission=one, indicator=leaf)
            for city, one in everyone.items()
            if city not in existing
            for leaf in leaves
        ],
        batch_size=2000,
    )
    return everyone


def _merged_cell(answer: Answer, cell: ReadCell) -> tuple[Content, float | None]:
    """A file without a narrative keeps the one that is there."""
    content = cell.resolved.content
    if cell.clears:
        content = replace(content_of(answer), value_state=Answer.ValueState.BLANK, value_text="", level="", items="",
                          reason="")  # fmt: skip
        return content, None
    if not content.narrative:
        content = replace(content, narrative=answer.narrative)
    if content.reason == DEFAULT_REASON and content.value_state == answer.value_state:
        content = replace(content, reason=answer.reason)  # the city's own words stay
    return content, cell.resolved.value
