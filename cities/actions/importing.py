"""Whole files of cities and of answers, already checked."""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from cities.actions.answers import apply_content
from cities.actions.common import ActionRefused, require_round_open
from cities.actions.rounds import complete_pilot
from cities.actions.submitting import hand_in
from cities.answers import CONTENT_FIELDS, Content, content_of
from cities.importers import REASON as DEFAULT_REASON
from cities.importers import ReadCell
from cities.models import Answer, ChangeSource, City, Round, Submission
from indicators.models import Indicator


@transaction.atomic
def import_cities(*, cities: list[City], by: User | None) -> tuple[int, int]:
    """Create or update cities by their code; returns how many are new and how many were there."""
    known = set(City.objects.filter(code__in=[city.code for city in cities]).values_list("code", flat=True))
    fields = ["adcode", "name_zh", "name_en", "province_zh", "level", "region", "case_title_zh", "case_page"]
    if any(city.population is not None for city in cities):  # a file without it leaves what is known
        fields.append("population")
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
        require_round_open(round_)
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
            content, value = merged_cell(answer, cell)
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
    locked = [
        str(one.city) for one in existing.values() if one.submitted_at is not None
    ]  # also while returned
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


def merged_cell(answer: Answer, cell: ReadCell) -> tuple[Content, float | None]:
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
