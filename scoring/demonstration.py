"""A demonstration round: the reference framework, sixteen cities, generated answers, three reviewers per city.

Everything is generated from a fixed seed and marked 演示数据; nothing here says anything about a real city. The
states are reached through the same actions that people use.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cities import actions as city_actions
from cities.answers import Content, content_of, resolve
from cities.importers import ReadCell, read_cities
from cities.models import Answer, ChangeSource, City, Membership, Round, Submission
from indicators.actions import import_framework
from indicators.models import Framework, Indicator
from indicators.queries import FrameworkTree, load_tree
from indicators.reference import reference_framework
from scoring import demonstration_cases, demonstration_division
from scoring.actions import moderation, publishing, review
from scoring.actions.compute import compute_round
from scoring.engine import parse_curve
from scoring.models import Divergence, Mark, ResultSnapshot, ReviewAssignment
from scoring.moderation import UNDECIDED

ROUND_CODE = "演示数据-2025"  # so that every row of an exported CSV says it, and every receipt
PASSWORD = "xuexi-demo-2025"  # noqa: S105 — printed and public; the demonstration refuses to load on a real host
YEAR = 2025
SEED = 2013
REVIEWERS = 6
SEATS = 3
FILLING = "650200"  # 克拉玛依 still fills in: something to do for its staff
UNREVIEWED = "410481"  # 舞钢 waits for its reviewers: handed in, not assessed
REMARK = "【演示数据】"
State = Answer.ValueState


@dataclass(frozen=True)
class Account:
    username: str
    display_name: str
    role: str
    city: str = ""
    member_role: str = Membership.Role.LEAD


def accounts(cities: list[City]) -> list[Account]:
    """The administrator, the moderator, the reviewers, a lead for each city and a department editor."""
    plain = [Account("admin", "演示管理员", User.Role.ADMINISTRATOR)]
    plain.append(Account("moderator", "演示评审组长", User.Role.MODERATOR))
    plain += [Account(f"reviewer{n}", f"演示专家{n}", User.Role.REVIEWER) for n in range(1, REVIEWERS + 1)]
    plain += [
        Account(_username(city), f"{city.name_zh}牵头（演示）", User.Role.CITY, city.code) for city in cities
    ]
    filling = next(city for city in cities if city.code == FILLING)
    editor = Account(
        f"{_username(filling)}-edu",
        f"{filling.name_zh}教育局（演示）",
        User.Role.CITY,
        FILLING,
        Membership.Role.EDITOR,
    )
    return [*plain, editor]


def _username(city: City) -> str:
    return "".join(char for char in city.name_en.lower() if char.isalnum())


def is_loaded() -> bool:
    return Round.objects.filter(code=ROUND_CODE).exists()


@transaction.atomic
def load(*, say: Callable[[str], object] = lambda _line: None) -> Round:
    """Make the demonstration round, all or nothing. The caller checks `is_loaded` first."""
    chance = random.Random(SEED)  # noqa: S311 — reproducible on purpose
    framework = _framework()
    cities = _cities()
    people = {one.username: _account(one) for one in accounts(cities)}
    say("正在生成填报数据……")
    now = timezone.now()
    round_ = city_actions.open_round(
        code=ROUND_CODE, name="2025年学习型城市评价（演示）", framework=framework, year=YEAR, by=people["admin"],
        opens_at=now - timedelta(days=60), closes_at=now + timedelta(days=30), is_demo=True,
        grade_bands="85:优秀|75:良好|60:合格|0:待改进",
    )  # fmt: skip
    tree = load_tree(framework)
    quality = {city.code: chance.uniform(0.52, 0.86) for city in cities}
    _fill_in(round_, tree, cities, quality, chance)
    for city in cities:
        submission = Submission.objects.select_related("city", "round__framework").get(
            round=round_, city=city
        )
        lead = people[_username(city)]
        _attach(submission, tree, lead, share=0.15 if city.code == FILLING else 0.5, chance=chance)
        if city.code == FILLING:
            demonstration_division.divide(submission, lead=lead, editor=people[f"{_username(city)}-edu"])
        else:
            if city.code in demonstration_cases.CITIES:
                demonstration_cases.write(submission, by=lead)
            city_actions.hand_in(submission=submission, by=lead, detail=ChangeSource.DEMO)
    say("正在生成评审数据……")
    _review(round_, tree, people, chance)
    _rule_once(round_, tree, people["moderator"])
    demonstration_cases.select(round_, by=people["moderator"])
    say("正在计算得分……")
    snapshot = compute_round(round=round_, by=people["admin"], reason="演示数据")
    _publish(snapshot, people["admin"])
    return round_


def _publish(snapshot: ResultSnapshot, admin: User) -> None:
    """Finalised and open to everybody; the divergences that nobody ruled on are let stand first."""
    left = Divergence.objects.filter(submission__round=snapshot.round_id, status__in=UNDECIDED)
    for divergence in left:
        moderation.accept_divergence(
            divergence=divergence, reason=f"{REMARK}差距在可接受范围内，按评审汇总规则计分。", by=admin
        )
    publishing.finalise_result(snapshot=snapshot, reason=f"{REMARK}自动定稿。", by=admin)
    publishing.publish_results(snapshot=snapshot, audience=Round.Audience.PUBLIC, by=admin)


def _framework() -> Framework:
    return import_framework(reference_framework(), publish=True, by=None).framework


def _cities() -> list[City]:
    read = read_cities(Path(settings.BASE_DIR) / "fixtures" / "cities.csv")
    city_actions.import_cities(cities=read.cities, by=None)
    codes = [city.code for city in read.cities]
    return list(City.objects.filter(code__in=codes).order_by("code"))


def _account(account: Account) -> User:
    user, made = User.objects.get_or_create(
        username=account.username, defaults={"display_name": account.display_name, "role": account.role}
    )
    if made:
        user.set_password(PASSWORD)
        user.save()
    if account.city:
        city = City.objects.get(code=account.city)
        Membership.objects.get_or_create(user=user, city=city, defaults={"role": account.member_role})
    return user


def _fill_in(
    round_: Round, tree: FrameworkTree, cities: list[City], quality: dict[str, float], chance: random.Random
) -> None:
    answers: dict[int, list[ReadCell]] = {}
    for city in cities:
        cells = answers[city.pk] = []
        for leaf in tree.leaves:
            if city.code == FILLING and chance.random() < 0.6:
                continue
            content = _content(leaf, min(1.0, max(0.05, chance.gauss(quality[city.code], 0.13))), chance)
            cells.append(ReadCell(leaf, resolve(leaf, content, year=YEAR, evidence_count=leaf.evidence_min)))
    city_actions.import_answers(round_=round_, answers=answers, by=None, source=ChangeSource.DEMO)


def _content(leaf: Indicator, level: float, chance: random.Random) -> Content:
    """An answer whose score is near 100 × level."""
    narrative = f"{REMARK}{leaf.name_zh}：此处为自动生成的情况说明，用于演示填报与评审。"
    drawn = chance.random()
    if drawn < 0.012 and leaf.kind == Indicator.Kind.QUANTITY:
        return Content(State.UNAVAILABLE, reason=f"{REMARK}本年度没有开展该项统计。")
    if drawn < 0.018 and leaf.kind != Indicator.Kind.BONUS:
        return Content(State.NOT_APPLICABLE, reason=f"{REMARK}本市没有该项职能。")
    if leaf.kind == Indicator.Kind.QUANTITY:
        return Content(State.VALUE, value_text=f"{_x_for(leaf, 100 * level):.2f}", narrative=narrative)
    if leaf.kind == Indicator.Kind.CHECKLIST:
        met = [item.item for item in leaf.item_list if chance.random() < level + 0.1]
        return Content(State.VALUE, items=";".join(met) or "0", narrative=narrative)
    bands = sorted(leaf.level_list, key=lambda one: one.score_min)
    band = next((one for one in bands if 100 * level <= one.score_max), bands[-1])
    return Content(State.VALUE, level=band.level, narrative=narrative)


def _x_for(leaf: Indicator, score: float) -> float:
    """The x at which the leaf's curve reaches `score`."""
    knots = parse_curve(leaf.curve).knots
    for (x0, s0), (x1, s1) in pairwise(knots):
        if s0 != s1 and min(s0, s1) <= score <= max(s0, s1):
            return x0 + (x1 - x0) * (score - s0) / (s1 - s0)
    return knots[-1][0]


def _attach(
    submission: Submission, tree: FrameworkTree, by: User, *, share: float, chance: random.Random
) -> None:
    for leaf in tree.leaves:
        if chance.random() < share:
            name = f"{leaf.code} 演示材料.pdf"
            upload = SimpleUploadedFile(name, _pdf(f"{submission.city.code} {leaf.code}"), "application/pdf")
            city_actions.add_evidence(
                submission=submission, indicator=leaf, upload=upload, by=by, locator="第 1 页"
            )


def _pdf(text: str) -> bytes:
    """A one-page PDF that says it is a demonstration file."""
    lines = ("DEMONSTRATION DATA", "Generated file, not real evidence", text)
    shown = b" T* ".join(b"(" + line.encode("ascii") + b") Tj" for line in lines)
    stream = b"BT /F1 18 Tf 24 TL 72 720 Td " + shown + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _review(round_: Round, tree: FrameworkTree, people: dict[str, User], chance: random.Random) -> None:
    reviewers = [people[f"reviewer{n}"] for n in range(1, REVIEWERS + 1)]
    severity = {reviewer.pk: chance.gauss(0, 3) for reviewer in reviewers}
    submissions = Submission.objects.select_related("city", "round__framework").filter(round=round_)
    for at, submission in enumerate(submissions.order_by("city__code")):
        for seat in range(SEATS):
            reviewer = reviewers[(at + 3 + seat * 2) % REVIEWERS]
            assignment = review.assign_reviewer(submission=submission, reviewer=reviewer, by=people["admin"])
            if submission.city.code not in (FILLING, UNREVIEWED):
                _mark_all(assignment, tree, severity[reviewer.pk], chance)
                review.finish_review(assignment=assignment, by=reviewer)


def _rule_once(round_: Round, tree: FrameworkTree, moderator: User) -> None:
    """The widest divergence on a rubric is decided: at the middle mark. The others are let stand at the end."""
    rubrics = {leaf.pk: leaf for leaf in tree.leaves if leaf.kind == Indicator.Kind.RUBRIC}
    widest = Divergence.objects.filter(submission__round=round_, indicator__in=rubrics).first()
    if widest is None:
        return
    leaf = rubrics[widest.indicator_id]
    marks = Mark.objects.filter(assignment__submission=widest.submission_id, indicator=leaf)
    middle = median(mark.value for mark in marks if mark.value is not None)
    band = next(one for one in leaf.level_list if one.score_min <= middle <= one.score_max)
    content = Content(
        State.VALUE, value_text=f"{middle:g}", level=band.level,
        reason=f"{REMARK}佐证材料能够证明主要做法，覆盖面尚不完整，按中间意见认定。",
    )  # fmt: skip
    moderation.rule(
        submission=widest.submission,
        indicator=leaf,
        content=content,
        accepts_not_applicable=False,
        by=moderator,
    )


def _mark_all(
    assignment: ReviewAssignment, tree: FrameworkTree, severity: float, chance: random.Random
) -> None:
    answers = {answer.indicator_id: answer for answer in assignment.submission.answers.all()}
    for leaf in tree.leaves:
        answer = answers[leaf.pk]
        if answer.value_state in review.MARKABLE:
            content = _judgement(leaf, answer, severity, chance)
            review.save_mark(
                assignment=assignment, indicator=leaf, content=content, status=Mark.Status.DONE,
                accepts_not_applicable=True, seen_answer_version=answer.version, by=assignment.reviewer,
                source=ChangeSource.DEMO,
                found_in=f"{REMARK}统计公报" if content.value_text != answer.value_text else "",
            )  # fmt: skip


def _judgement(leaf: Indicator, answer: Answer, severity: float, chance: random.Random) -> Content:
    own = content_of(answer)
    reason = f"{REMARK}根据佐证材料认定。"
    if leaf.level_list:
        bands = sorted(leaf.level_list, key=lambda one: one.score_min)
        target = min(100.0, max(0.0, (_band_middle(leaf, own.level) + severity + chance.gauss(-2, 7))))
        band = next((one for one in bands if target <= one.score_max), bands[-1])
        score = min(band.score_max, max(band.score_min, round(target)))
        return Content(State.VALUE, value_text=str(score), level=band.level, reason=reason)
    if leaf.kind == Indicator.Kind.CHECKLIST:
        met = [item for item in answer.item_list if item == "0" or chance.random() < 0.93]
        return Content(State.VALUE, items=";".join(met) or "0", reason=reason)
    if chance.random() < 0.9:
        return Content(State.VALUE, value_text=own.value_text)
    verified = float(own.value_text or 0) * chance.uniform(0.9, 1.0)
    return Content(State.VALUE, value_text=f"{verified:.2f}", reason=reason)


def _band_middle(leaf: Indicator, level: str) -> float:
    band = next((one for one in leaf.level_list if one.level == level), leaf.level_list[0])
    return (band.score_min + band.score_max) / 2
