"""Opening a round, and letting cities take part."""

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from cities.actions.common import ActionRefused
from cities.codes import code_problem
from cities.models import Answer, City, Round, Submission
from indicators.models import Framework, Indicator
from indicators.queries import load_tree
from scoring.engine.grades import GradeError, parse_grade_bands

NAME_LENGTH = 200
BANDS_LENGTH = 200
FIRST_YEAR, LAST_YEAR = 1900, 2200


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
    grade_bands: str = "",
) -> Round:
    """Open a round on a published edition, or as a pilot on a draft.

    Args:
        grade_bands: such as `90:优秀|80:良好|60:合格|0:待改进`; empty: no grades.

    Raises:
        ActionRefused: the edition is a draft and the round no pilot, the draft cannot be scored, the code is taken, or
            the grade bands are none.
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
    bands = read_grade_bands(grade_bands, framework)
    made = Round.objects.create(
        code=code, name=name or code, framework=framework, year=year, opens_at=opens_at, closes_at=closes_at,
        missing=missing or framework.missing, panel=panel, unreviewed=unreviewed, is_demo=is_demo,
        is_pilot=is_pilot, grade_bands=bands,
    )  # fmt: skip
    audit.record(
        actor=by, action="open_round", target=made.code, framework=str(framework), year=year, pilot=is_pilot,
        grade_bands=bands,
    )  # fmt: skip
    return made


def read_grade_bands(text: str, framework: Framework) -> str:
    """The canonical text of grade bands, as fine as the framework's ranks.

    Raises:
        ActionRefused: they cannot be read, or are too long to keep.
    """
    try:
        bands = str(parse_grade_bands(text, framework.rank_decimals))
    except GradeError as error:
        raise ActionRefused(str(error)) from error
    if len(bands) > BANDS_LENGTH:
        raise ActionRefused(f"等级划分超过 {BANDS_LENGTH} 个字符，请缩短等级名称。")
    return bands


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
