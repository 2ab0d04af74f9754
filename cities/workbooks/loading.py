"""What the form and its comparison read from the database, in a constant number of queries."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from cities.answers import CONTENT_FIELDS, Content, content_of
from cities.models import Answer, BulkUpload, Department, Submission
from cities.phases import reopened_leaves, why_closed
from cities.previous import Previous, previous_answers
from cities.queries import live_evidence
from cities.scope import visible_leaves
from cities.workbooks.layout import Stamp, cell_values, digest, level_word
from cities.workbooks.planning import Ground, Plan, bases_of, plan_form
from cities.workbooks.reading import ReadForm, read_form
from cities.workbooks.writing import FormRow, standard_text, write_form
from indicators.models import Indicator
from indicators.queries import FrameworkTree, load_tree
from indicators.workbooks import WorkbookError

# --- downloading -----------------------------------------------------------------------------------------------


def form_of(submission: Submission, *, by: Any, department: Department | None = None) -> bytes:
    """The form to fill in: all leaves that `by` sees, or those that a department leads or supports.

    Raises:
        WorkbookError: an answer is longer than a cell can hold.
    """
    tree = load_tree(submission.round.framework)
    answers = {answer.indicator_id: answer for answer in submission.answers.all()}
    seen = visible_leaves(by, submission)
    if department is not None:
        of_department = leaves_of(submission, department)
        seen = of_department if seen is None else seen & of_department
    leaves = [leaf for leaf in tree.leaves if leaf.pk in answers and (seen is None or leaf.pk in seen)]
    previous, evidence = previous_answers(submission, leaves), _evidence_words(submission)
    rows = [
        FormRow(leaf, {**_fixed(tree, leaf, previous.get(leaf.pk), evidence.get(leaf.pk, "")),
                       **cell_values(leaf, content_of(answers[leaf.pk]))})
        for leaf in leaves
    ]  # fmt: skip
    stamp = new_stamp(submission, [(leaf, answers[leaf.pk]) for leaf in leaves])
    return write_form(rows, stamp=stamp, about=_about(submission, department, len(rows)))


def leaves_of(submission: Submission, department: Department) -> frozenset[int]:
    """The leaves that a department leads or supports."""
    mine = Q(responsibility__lead_department=department) | Q(
        responsibility__supporting_departments=department
    )
    return frozenset(
        Answer.objects.filter(mine, submission=submission).values_list("indicator_id", flat=True)
    )


def departments_with_leaves(submission: Submission) -> QuerySet[Department]:
    """The departments that a form can be downloaded for."""
    answers = Answer.objects.filter(submission=submission)
    led = answers.values("responsibility__lead_department")
    supported = answers.values("responsibility__supporting_departments")
    return Department.objects.filter(Q(pk__in=led) | Q(pk__in=supported), city=submission.city_id)


def new_stamp(submission: Submission, leaves: Sequence[tuple[Indicator, Answer]]) -> Stamp:
    framework = submission.round.framework
    return Stamp(
        download=uuid.uuid4().hex, submission=submission.pk, city=submission.city.code,
        city_name=submission.city.name_zh, round=submission.round.name, framework=framework.code,
        edition=framework.edition, title=title_of(submission),
        leaves={leaf.code: (answer.version, digest(content_of(answer))) for leaf, answer in leaves},
    )  # fmt: skip


def title_of(submission: Submission) -> str:
    """The edition in words, as 说明 and the refusals call it."""
    framework = submission.round.framework
    return f"{framework.name_zh} {framework.edition}"


def _about(submission: Submission, department: Department | None, rows: int) -> list[tuple[str, str]]:
    what = f"{submission.city}{department or ''}，共 {rows} 项指标"
    at = timezone.localtime().strftime("%Y-%m-%d %H:%M")
    deadline = submission.deadline
    return [
        ("填报表", what),
        ("轮次", f"{submission.round.name}（{submission.round.year} 年）"),
        ("指标体系", title_of(submission)),
        ("下载时间", at),
        ("截止时间", timezone.localtime(deadline).strftime("%Y-%m-%d %H:%M") if deadline else "未设截止时间"),
        *([("性质", "、".join(submission.round.marks))] if submission.round.marks else []),
    ]


def _fixed(tree: FrameworkTree, leaf: Indicator, previous: Previous | None, evidence: str) -> dict[str, Any]:
    return {
        "code": leaf.code, "name": leaf.name_zh, "kind": str(Indicator.Kind(leaf.kind).label), "unit": leaf.unit,
        "standard": standard_text(tree, leaf), "last": _last_words(previous), "evidence": evidence,
    }  # fmt: skip


def _last_words(previous: Previous | None) -> str:
    """What the city reported the last time, in words; empty without one."""
    if previous is None:
        return ""
    content = content_of(previous.answer)
    values = cell_values(previous.answer.indicator, Content(value_text=content.value_text))
    parts = [level_word(previous.answer.indicator, content.level), str(values["value"]), content.items]
    said = " ".join(part for part in parts if part)
    if content.value_state in (Answer.ValueState.NOT_APPLICABLE, Answer.ValueState.UNAVAILABLE):
        said = str(Answer.ValueState(content.value_state).label)
    return f"{said or '未填'}（{previous.round.year}年{'，口径不可比' if previous.broken else ''}）"


def _evidence_words(submission: Submission) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for one in live_evidence(submission).order_by("indicator_id", "sequence"):
        found.setdefault(one.indicator_id, []).append(one.number)
    return {leaf: "、".join(numbers) for leaf, numbers in found.items()}


# --- uploading -------------------------------------------------------------------------------------------------


def check_belongs(form: ReadForm, submission: Submission) -> None:
    """Whether this file was made for this submission; one without its stamp is compared with care instead.

    Raises:
        WorkbookError: it is another city's or round's, or of another edition or format.
    """
    stamp = form.stamp
    if stamp is None:
        return
    if stamp.city != submission.city.code:
        raise WorkbookError(
            f"这是{stamp.city_name}的填报表，不能在{submission.city}的填报中导入。请选择本市的文件。"
        )
    framework = submission.round.framework
    if (stamp.framework, stamp.edition) != (framework.code, framework.edition) or not stamp.is_current_format:
        old, new = stamp.title, title_of(submission)
        if old == new:
            old, new = f"{old}（旧格式）", f"{new}（新格式）"
        raise WorkbookError(f"文件使用的是 {old} 模板，本轮为 {new}。请下载最新模板，将数据复制后再上传。")
    if stamp.submission != submission.pk:
        raise WorkbookError(
            f"这是“{stamp.round}”的填报表，不是本轮的。请下载本轮的填报表，将数据复制后再上传。"
        )


def compare(
    content: bytes, submission: Submission, *, by: Any, at: datetime | None = None, lock: bool = False
) -> tuple[ReadForm, Plan]:
    """Read an uploaded form and compare it with what the system has now.

    Args:
        lock: hold the answers until the transaction ends.

    Raises:
        WorkbookError: it cannot be read, or was not made for this submission.
    """
    form = read_form(content)
    check_belongs(form, submission)
    tree = load_tree(submission.round.framework)
    stored = submission.answers.select_for_update(of=("self",)) if lock else submission.answers.all()
    answers = {answer.indicator_id: answer for answer in stored}
    leaves = tuple(leaf for leaf in tree.leaves if leaf.pk in answers)
    visible = visible_leaves(by, submission)
    ground = Ground(
        leaves=leaves, answers=answers, year=submission.round.year, bases=_bases(form, submission, leaves, answers),
        previous=previous_answers(submission, leaves), visible=visible,
        closed=_closed(submission, leaves if visible is None else [one for one in leaves if one.pk in visible], at),
    )  # fmt: skip
    return form, plan_form(form, ground)


def _closed(submission: Submission, leaves: Sequence[Indicator], at: datetime | None) -> dict[int, str]:
    """Leaf id -> why it takes no changes now. Only a return makes a difference between leaves."""
    reason = why_closed(submission, at)
    if reason:
        return {leaf.pk: reason for leaf in leaves}
    named = reopened_leaves(submission)
    others = [] if named is None else [leaf.pk for leaf in leaves if leaf.pk not in named]
    reason = why_closed(submission, at, indicator_id=others[0]) if others else ""
    return dict.fromkeys(others, reason)


def _bases(
    form: ReadForm, submission: Submission, leaves: Sequence[Indicator], answers: Mapping[int, Answer]
) -> dict[int, Content]:
    """Leaf id -> what the answer said when the file and the system last agreed.

    That is the download, or an import of this very form since: people fill in a part, import it, and go on in the
    same file.
    """
    if form.stamp is None:
        return {}
    imported = _imported_versions(submission, form.stamp.download)
    wanted = {
        answers[leaf.pk].pk: {form.stamp.leaves.get(leaf.code, (-1, ""))[0], imported.get(leaf.code, -1)}
        for leaf in leaves
    }
    history = _history(submission, wanted, answers)
    bases = bases_of(form.stamp.leaves, [(leaf, answers[leaf.pk]) for leaf in leaves], history)
    for leaf in leaves:
        version, answer = imported.get(leaf.code), answers[leaf.pk]
        if version is not None:
            content = content_of(answer) if version == answer.version else history.get((answer.pk, version))
            if content is not None:
                bases[leaf.pk] = content
    return bases


def _imported_versions(submission: Submission, download: str) -> dict[str, int]:
    """Leaf code -> the newest version that an import of this download wrote."""
    found: dict[str, int] = {}
    done = BulkUpload.objects.filter(
        submission=submission, kind=BulkUpload.Kind.WORKBOOK, status=BulkUpload.Status.CONFIRMED
    )
    for plan, changes in done.values_list("plan", "changes"):
        if plan.get("download") == download:
            for change in changes:
                found[change["code"]] = max(change["version"], found.get(change["code"], 0))
    return found


def _history(
    submission: Submission, wanted: Mapping[int, set[int]], answers: Mapping[int, Answer]
) -> dict[tuple[int, int], Content]:
    """(answer id, version) -> content of the wanted versions that are not the present ones: at most one query."""
    present = {answer.pk: answer.version for answer in answers.values()}
    older = {
        pk: {one for one in versions if one > 0 and one != present[pk]} for pk, versions in wanted.items()
    }
    ids = [pk for pk, versions in older.items() if versions]
    if not ids:
        return {}
    logged = Answer.history.filter(submission_id=submission.pk, id__in=ids).order_by("history_id")
    return {
        (row["id"], row["version"]): Content(**{name: row[name] for name in CONTENT_FIELDS})
        for row in logged.values("id", "version", *CONTENT_FIELDS)
        if row["version"] in older[row["id"]]
    }


# --- the file with its verdicts --------------------------------------------------------------------------------


def annotated(content: bytes, submission: Submission, *, by: Any) -> bytes:
    """The uploaded form written again, with 检查结果 and coloured cells. Its stamp stays, so it can be uploaded again."""
    form, plan = compare(content, submission, by=by)
    tree = load_tree(submission.round.framework)
    by_number = {row.number: row for row in plan.rows}
    rows = []
    for row in form.rows:
        verdict = by_number.get(row.number)
        values: dict[str, Any] = {key: cell.value for key, cell in row.cells.items()}
        values = {
            key: value if isinstance(value, int | float) else row.cell(key).text
            for key, value in values.items()
        }
        tones: dict[str, str] = {}
        if verdict is not None:
            tones = {cell.key: cell.outcome.value for cell in verdict.changed}
            said = [
                f"{cell.heading}：{cell.word}{'，' + cell.reason if cell.reason else ''}"
                for cell in verdict.changed
            ]
            values["verdict"] = "\n".join(said) or verdict.note or "无变化"
            tones["verdict"] = verdict.outcome.value if verdict.changed else ""
            if verdict.leaf is not None and verdict.answer is not None:
                values["standard"] = standard_text(tree, verdict.leaf)
        leaf = verdict.leaf if verdict is not None and verdict.answer is not None else None
        rows.append(FormRow(leaf, values, tones))
    stamp = form.stamp or new_stamp(submission, [])
    about = [
        ("检查结果", "本文件是上传的填报表，加上了逐项检查结果。按“检查结果”一列改正后可以重新上传。"),
        *_about(submission, None, len(rows)),
    ]
    return write_form(rows, stamp=stamp, about=about, with_verdict=True)
