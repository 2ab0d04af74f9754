"""Makes rows for tests. States are reached through the rooms' own actions, never set by hand here."""

from decimal import Decimal
from itertools import count

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from cities import actions as city_actions
from cities.answers import Content, content_of
from cities.models import Answer, City, Membership, Round, Submission
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from scoring.actions import review

_numbers = count(1)
PASSWORD = "correct horse battery"


def user(role: str = "city", **fields) -> User:
    number = next(_numbers)
    fields = {"username": f"user{number}", "display_name": f"用户{number}", **fields}
    return User.objects.create_user(password=PASSWORD, role=role, **fields)


def city(**fields) -> City:
    number = next(_numbers)
    return City.objects.create(**{"code": f"C{number:04d}", "name_zh": f"城市{number}", **fields})


def member(of: City, role: str = "lead", **fields) -> User:
    person = user("city", **fields)
    Membership.objects.create(user=person, city=of, role=role)
    return person


def framework(*, published: bool = True, **fields) -> Framework:
    """Two dimensions and a bonus, one leaf of each kind: A1 quantity, A2 rubric, B1 checklist, H1 bonus.

    Points 30 + 30 + 40 and a bonus of at most 5.
    """
    made = Framework.objects.create(
        **{
            "code": f"F{next(_numbers)}",
            "edition": "1",
            "name_zh": "试验体系",
            "provenance": "参考稿",
            **fields,
        }
    )

    def node(code: str, parent: Indicator | None, position: int, **values) -> Indicator:
        return Indicator.objects.create(
            framework=made, code=code, parent=parent, position=position, name_zh=f"指标{code}", **values
        )

    a = node("A", None, 10, points=Decimal(60))
    node("A1", a, 20, points=Decimal(30), kind="quantity", unit="%", curve="0:0|50:80|100:100")
    rubric = node("A2", a, 30, points=Decimal(30), kind="rubric")
    b = node("B", None, 40, points=Decimal(40))
    checklist = node("B1", b, 50, points=Decimal(40), kind="checklist")
    h = node("H", None, 60, points=Decimal(0))
    node("H1", h, 70, points=Decimal(5), kind="bonus")
    bands = [("A", "优秀", 90, 100), ("B", "良好", 75, 89), ("C", "合格", 60, 74), ("D", "待改进", 0, 59)]
    for position, (level, label, low, high) in enumerate(bands, 1):
        RubricLevel.objects.create(
            indicator=rubric, position=position, level=level, label=label, score_min=low, score_max=high,
            descriptor=f"{label}的描述",
        )  # fmt: skip
    for position, (item, score) in enumerate([("1", 60), ("2", 40)], 1):
        ChecklistItem.objects.create(
            indicator=checklist, position=position, item=item, score=Decimal(score), text=f"要点{item}"
        )
    if published:
        made.status, made.published_at = Framework.Status.PUBLISHED, timezone.now()
        made.save()
    return made


def round_(framework_: Framework | None = None, **fields) -> Round:
    number = next(_numbers)
    return Round.objects.create(
        **{
            "code": f"R{number}",
            "name": f"第{number}轮",
            "framework": framework_ or framework(),
            "year": 2025,
            "opens_at": timezone.now(),
            **fields,
        }
    )


# --- results: rounds that are filled in, reviewed and computed ------------------------------------------------


def tree(specs: str, **fields) -> Framework:
    """A published framework from lines of `code parent weight kind [aggregation] [curve]`; `-` is empty.

    Quantities without a curve score x itself: 0:0|100:100. Bonus leaves take their weight as points.
    """
    made = Framework.objects.create(
        **{"code": f"F{next(_numbers)}", "edition": "1", "name_zh": "试验体系", **fields}
    )
    nodes: dict[str, Indicator] = {}
    for number, line in enumerate(specs.strip().splitlines(), 1):
        code, parent, weight, kind, aggregation, curve = (*line.split(), "-", "-")[:6]
        values = {"points" if kind == "bonus" else "weight": None if weight == "-" else Decimal(weight)}
        if kind == "quantity":
            values["curve"] = "0:0|100:100" if curve == "-" else curve
        nodes[code] = Indicator.objects.create(
            framework=made, code=code, parent=nodes.get(parent), position=10 * number, name_zh=f"指标{code}",
            kind="" if kind == "-" else kind, aggregation="" if aggregation == "-" else aggregation, **values,
        )  # fmt: skip
    made.status, made.published_at = Framework.Status.PUBLISHED, timezone.now()
    made.save()
    return made


def content(indicator: Indicator, given):
    """What somebody would type to say `given`: a number, a level, items, or a word for 不适用 or 无法提供."""
    from cities.answers import Content

    if given is None:
        return Content()
    if given in ("not_applicable", "unavailable"):
        return Content(value_state=given, reason="试验")
    if indicator.kind == "checklist":
        return Content(value_state="value", items=str(given))
    if indicator.kind == "rubric" and isinstance(given, str):
        return Content(value_state="value", level=given)
    if indicator.kind == "rubric":
        level = next(level for level in indicator.levels.all() if level.score_min <= given <= level.score_max)
        return Content(value_state="value", level=level.level, value_text=str(given))
    return Content(value_state="value", value_text=str(given))


def filled_in(round_: Round, city_: City, answers: dict, *, hand_in: bool = True):
    """A city's submission with `answers` by leaf code, handed in without the checks of the web form."""
    from cities import actions

    submission = actions.open_submission(round_=round_, city=city_, by=None)
    for answer in submission.answers.select_related("indicator"):
        answer.submission = submission
        given = answers.get(answer.indicator.code)
        if given is not None:
            answer.indicator.level_list = list(answer.indicator.levels.all())
            answer.indicator.item_list = list(answer.indicator.items.all())
            actions.save_answer(
                answer=answer, content=content(answer.indicator, given), seen_version=answer.version, by=None
            )
    if hand_in:
        actions.hand_in(submission=submission, by=None)
        submission.refresh_from_db()
    return submission


def reviewed(submission, marks: dict, *, reviewer: User | None = None, finish: bool = True):
    """A reviewer's marks by leaf code on a submission; `accept` agrees to 不适用."""
    from dataclasses import replace

    from scoring.actions import review

    reviewer = reviewer or user("reviewer")
    assignment = review.assign_reviewer(submission=submission, reviewer=reviewer, by=None)
    for answer in submission.answers.select_related("indicator"):
        given = marks.get(answer.indicator.code)
        if given is None:
            continue
        answer.indicator.level_list = list(answer.indicator.levels.all())
        answer.indicator.item_list = list(answer.indicator.items.all())
        accepts = given == "accept"
        review.save_mark(
            assignment=assignment, indicator=answer.indicator, accepts_not_applicable=accepts,
            content=replace(content(answer.indicator, None if accepts else given), reason="与材料一致"),
            seen_answer_version=answer.version, status="done", by=reviewer, found_in="统计公报",
        )  # fmt: skip
    if finish:
        review.finish_review(assignment=assignment, by=reviewer)
    submission.refresh_from_db()
    return assignment


def submission(of: City | None = None, in_round: Round | None = None):
    """A submission being filled in."""
    return city_actions.open_submission(round_=in_round or round_(), city=of or city(), by=None)


def full_content(code: str) -> Content:
    """A valid answer for a leaf of `framework`: A1 50 -> 80, A2 level B -> 89, B1 item 1 -> 60, H1 3 points."""
    state = Answer.ValueState.VALUE
    return {
        "A1": Content(state, value_text="50"),
        "A2": Content(state, level="B"),
        "B1": Content(state, items="1"),
        "H1": Content(state, value_text="3"),
    }[code]


def answer(to: Submission, code: str, content: Content | None = None, **options) -> Answer:
    """Save an answer as the city's own staff would."""
    stored = to.answers.get(indicator__code=code)
    options = {"seen_version": stored.version, "by": None, **options}
    return city_actions.save_answer(answer=stored, content=content or full_content(code), **options)


def handed_in(
    of: City | None = None, in_round: Round | None = None, contents: dict[str, Content] | None = None
):
    """A submission that was filled in and handed in; `contents` replaces single answers, None leaves one blank."""
    made = submission(of, in_round)
    for leaf in ("A1", "A2", "B1", "H1"):
        content = {**dict.fromkeys(["A1", "A2", "B1", "H1"], ...), **(contents or {})}[leaf]
        if content is not None:
            answer(made, leaf, full_content(leaf) if content is ... else content)
    city_actions.hand_in(submission=made, by=None)
    return made


def assignment(to: Submission, reviewer: User | None = None):
    return review.assign_reviewer(submission=to, reviewer=reviewer or user("reviewer"), by=None)


def mark(of, code: str, content: Content | None = None, **options):
    """Save a reviewer's judgement; without content the city's own answer is confirmed."""
    stored = of.submission.answers.get(indicator__code=code)
    content = content or content_of(stored)
    options = {
        "accepts_not_applicable": False, "seen_answer_version": stored.version, "status": "done", "by": of.reviewer,
        "found_in": "统计公报", **options,
    }  # fmt: skip
    leaf = stored.indicator
    return review.save_mark(assignment=of, indicator=leaf, content=content, **options)


def confirmed(of: Submission, reviewers: int = 1):
    """Every leaf of the submission confirmed by so many reviewers, who have finished."""
    for _ in range(reviewers):
        task = assignment(of)
        for code in review.unfinished_codes(task):
            mark(task, code)
        review.finish_review(assignment=task, by=task.reviewer)
    return of


def pdf(text: str = "evidence", name: str = "证明.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"%PDF-1.4\n" + text.encode() + b"\n%%EOF\n", "application/pdf")


def published(
    *, snapshot, by: User, audience: str = "public", erratum: str = "更正了计算。", **shown
) -> Round:
    """A result that is finalised and published, to everybody unless told otherwise; divergences are let stand."""
    from scoring.actions.moderation import accept_divergence
    from scoring.actions.publishing import finalise_result, publish_results
    from scoring.models import Divergence
    from scoring.moderation import UNDECIDED

    waiting = Divergence.objects.filter(submission__round=snapshot.round_id, status__in=UNDECIDED)
    for one in waiting:
        accept_divergence(divergence=one, reason="保留各自评分。", by=by)
    finalise_result(snapshot=snapshot, reason="评审会议定稿。", by=by)
    return publish_results(snapshot=snapshot, by=by, audience=audience, erratum=erratum, **shown)
