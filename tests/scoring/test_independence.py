"""Reviewers judge alone: until their own marks are finished, no address of the site tells them anything of the others.

Every address is asked, with every object filled in, by GET and by POST, and the bytes of the answers are searched for
what only the others know: their names, their words, their numbers. What comes packed is unpacked first.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import pytest
from django.db import transaction
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from cities.actions.supplements import ask_supplement
from cities.answers import Content
from cities.models import Answer, Department, Membership
from scoring.actions import review
from scoring.actions.compute import compute_round
from scoring.actions.phrases import add_phrase
from scoring.actions.visits import recommend_case, record_visit
from scoring.models import Phrase, Provisional, Reconsideration
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.walk, pytest.mark.xdist_group("independence")]
VALUE = Answer.ValueState.VALUE
PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
#: signing out and the language have nothing to tell, and would end the session
PASSED_OVER = ("admin/", "account/logout/", "i18n/", "csp")
#: pages that hold nothing of a round; one walk looks at them all the same, the others leave them out
STATIC = ("framework/", "account/", "help/", "health", "ready", "join/")
#: what differs between two answers to the same question
NOISE = [
    re.compile(rb'name="csrfmiddlewaretoken" value="\w+"'),
    re.compile(rb'"X-CSRFToken": "\w+"'),
    re.compile(rb"X-CSRFToken&quot;: &quot;\w+"),
    re.compile(rb"\d\d:\d\d(:\d\d)?"),
]


@dataclass
class World:
    """One city under three reviewers; a moderator who reviews another city of the round."""

    submission: object
    other: object
    tasks: list
    moderator: object
    lead: object
    editor: object
    names: dict = field(default_factory=dict)

    @property
    def round(self):
        return self.submission.round

    @property
    def reviewers(self):
        return [task.reviewer for task in self.tasks]

    def people_of(self, reviewers) -> list[str]:
        return [text for one in reviewers for text in (one.username, one.display_name)]


@pytest.fixture
def world(made_once):
    """As at the beginning: what a test added went with it."""
    for row in (made_once.submission, made_once.other, *made_once.tasks):
        row.refresh_from_db()
    return made_once


@pytest.fixture(scope="module")
def made_once(kept_rows):
    round_ = make.round_()
    city, elsewhere = make.city(), make.city()
    lead = make.member(city)
    department = Department.objects.create(city=city, name="教育局")
    editor = make.user("city")
    Membership.objects.create(user=editor, city=city, role="editor", department=department)
    submission, other = make.handed_in(city, round_), make.handed_in(elsewhere, round_)
    reviewers = [
        make.user("reviewer", username=f"zhuanjia-{word}", display_name=name)
        for word, name in (("wqkzv", "欧阳甲鑫"), ("xvjqz", "慕容乙淼"), ("kzxwj", "司徒丙焱"))
    ]
    tasks = [make.assignment(submission, one) for one in reviewers]
    moderator = make.user("moderator", username="zuzhang-qzwxk", display_name="诸葛丁垚")
    make.assignment(other, moderator)
    make.assignment(other, reviewers[0])
    today = timezone.localdate()
    record_visit(
        submission=submission, starts_on=today, ends_on=today, members=[], other_members="", itinerary="",
        by=make.user("administrator"),
    )  # fmt: skip
    return World(submission, other, tasks, moderator, lead, editor)


#: reviewer -> leaf -> what only that reviewer knows
JUDGED = {
    1: {"A1": Content(VALUE, value_text="37.9183", reason="乙的理由甲乙丙丁戊"),
        "A2": Content(VALUE, level="C", value_text="67.4391", reason="乙认为材料陈旧"),
        "B1": Content(VALUE, items="2", reason="乙未见第一项要点"),
        "H1": Content(VALUE, value_text="2.7319", reason="乙酌情加分")},
    2: {"A1": Content(VALUE, value_text="41.2677", reason="丙的理由己庚辛壬癸"),
        "A2": Content(VALUE, level="D", value_text="51.8713", reason="丙认为无实据"),
        "B1": Content(VALUE, items="0", reason="丙认为均未达到"),
        "H1": Content(VALUE, value_text="1.6173", reason="丙酌情加分")},
}  # fmt: skip


def others_finish(world: World) -> list[str]:
    """The second and the third reviewer judge, ask and finish, and a result is computed; returns their secrets."""
    leaf = world.round.framework.indicators.get(code="A1")
    for at, marks in JUDGED.items():
        task = world.tasks[at]
        for code, content in marks.items():
            make.mark(task, code, content, found_in=f"出处{at}号公报", confidence=at)
        ask_supplement(
            submission=world.submission, indicator=leaf, seat=task.seat, by=task.reviewer,
            question=f"席位{at}的疑问请说明",
        )  # fmt: skip
        add_phrase(reviewer=task.reviewer, text=f"席位{at}常写的句子")
        recommend_case(submission=world.submission, reason=f"席位{at}推荐的理由", by=task.reviewer)
        review.finish_review(assignment=task, by=task.reviewer)
    snapshot = compute_round(round=world.round, by=None, draws=0)
    computed = list(
        snapshot.node_scores.filter(submission=world.submission, score__isnull=False).values_list(
            "score", flat=True
        )
    )
    provisional = Provisional.objects.get(submission=world.submission)
    computed += [value for value in (provisional.total, provisional.partial) if value is not None]
    texts = [
        text for marks in JUDGED.values() for one in marks.values() for text in (one.value_text, one.reason)
    ]
    texts += [
        "出处1号公报",
        "出处2号公报",
        "席位1的疑问",
        "席位2的疑问",
        "席位1推荐的理由",
        "席位2推荐的理由",
        "席位1常写",
        "席位2常写",
    ]
    # a rounded number may stand on a page for another reason; three decimals may not
    texts += [f"{value:.3f}" for value in computed if value != round(value, 1)]
    return [text for text in texts if len(text) > 1]


# --- asking every address --------------------------------------------------------------------------------------


def routes(patterns, prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += [] if pattern.app_name == "admin" else routes(pattern.url_patterns, route)
        else:
            found.append(route)
    return found


def candidates(world: World) -> dict[str, list]:
    """Parameter -> what it may name; `prefix:parameter` where it depends on the address."""
    submissions = [world.submission.pk, world.other.pk]
    leaves, round_code = ["A1", "A2"], [world.round.code]
    evidence = list(world.submission.evidence.values_list("pk", flat=True))
    log = Answer.history.filter(submission=world.submission).values_list("history_id", flat=True)
    snapshots = list(world.round.snapshots.values_list("pk", flat=True)) or [1]
    return {
        "pk": [1], "s:pk": submissions, "visits:pk": list(world.submission.visits.values_list("pk", flat=True)),
        "review:pk": list(Phrase.objects.values_list("pk", flat=True)) or [1], "code": leaves, "review:code": leaves, "framework:code":
        [world.round.framework.code], "results:code": round_code, "manage:code": round_code, "cases:code": round_code,
        "round_code": round_code, "submission": submissions, "assignment": [task.pk for task in world.tasks],
        "edition": ["1"], "city": [world.submission.city.code], "node": ["TOTAL", "A", "A1"], "snapshot": snapshots,
        "evidence": evidence, "page": [1], "entry": list(log)[:2], "before": [1], "after": [1], "sequence": [1],
        "supplement": list(world.submission.supplements.values_list("pk", flat=True)) or [1],
    }  # fmt: skip


def addresses(world: World, *, without: tuple[str, ...] = STATIC) -> list[str]:
    """Every address of the site, each object that it may name at least once."""
    known = candidates(world)
    found = []
    for route in routes(get_resolver().url_patterns):
        if route.startswith(PASSED_OVER + without):
            continue
        parameters = list(PARAMETER.finditer(route))
        room = route.split("/")[0]
        values = [
            known.get(f"{room}:{one['name']}")
            or known.get(one["name"])
            or ([1] if one["kind"] == "int" else ["x"])
            for one in parameters
        ]
        # side by side instead of each with each: as many steps as the longest list, the shorter ones start over
        for step in range(max(map(len, values), default=1)):
            chosen = [one[step % len(one)] for one in values]
            address = route
            for one, value in zip(parameters, chosen, strict=True):
                address = address.replace(one[0], str(value), 1)
            found.append("/" + address)
    for address in ("/review/?show=left", "/review/?order=city&show=changed", "/review/?show=set_aside"):
        found.append(address)
    return found


#: what a form of the site might take; nothing of it is meant to succeed everywhere
POSTED = {"answer_version": "1", "version": "0", "seen_version": "0", "then": "next", "reason": "本人的理由", "text": "本人的话",
          "question": "本人的问题", "level": "B", "value_text": "50", "decision": "confirm", "items": ["1"]}  # fmt: skip


def ask(client, address: str, method: str) -> tuple[int, bytes]:
    """The answer, with nothing left behind: what it wrote is rolled back, and the session goes on."""
    cookies = client.cookies.copy()
    with transaction.atomic():
        response = client.get(address) if method == "GET" else client.post(address, POSTED)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    client.cookies = cookies
    places = response.headers.get("Location", "") + response.headers.get("Content-Disposition", "")
    return response.status_code, places.encode() + unpacked(body)


def unpacked(body: bytes) -> bytes:
    if not body.startswith(b"PK"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return b"\n".join(name.encode() + unpacked(archive.read(name)) for name in archive.namelist())


def leaks(
    client,
    world: World,
    person,
    secrets: list[str],
    methods=("GET", "POST"),
    without: tuple[str, ...] = STATIC,
) -> list[str]:
    client.force_login(person)
    needles = [(text, needle) for text in secrets for needle in spellings(text)]
    found, answered = [], 0
    for address in addresses(world, without=without):
        for method in methods:
            status, body = ask(client, address, method)
            answered += status == 200
            found += [f"{method} {address} ({status}): {text}" for text, needle in needles if needle in body]
    assert answered > 10, "the walk reaches pages"
    return found


@cache
def spellings(text: str) -> tuple[bytes, ...]:
    """As text and as JSON writes it."""
    escaped = text.encode("unicode_escape")
    return (text.encode(), escaped) if escaped != text.encode() else (text.encode(),)


# --- what must hold --------------------------------------------------------------------------------------------


def test_a_reviewer_who_has_not_finished_learns_nothing_of_the_others(client, world):
    secrets = others_finish(world) + world.people_of(world.reviewers[1:])
    assert leaks(client, world, world.reviewers[0], secrets, without=()) == []


def test_a_moderator_who_still_reviews_learns_nothing_of_the_others(client, world):
    secrets, names = others_finish(world), world.people_of(world.reviewers)
    found = leaks(client, world, world.moderator, secrets + names)
    # whoever arranges a visit chooses from all reviewers there are, whatever they judge
    directory = [line for line in found if " /visits/" in line and line.endswith(tuple(names))]
    assert [line for line in found if line not in directory] == []


def test_no_page_of_a_reviewer_changes_with_what_the_others_do(client, world):
    """Counts, orders, states, notices: everything is as it was before they began."""
    client.force_login(world.reviewers[0])
    watched = addresses(world)

    def seen() -> dict[str, tuple[int, bytes]]:
        return {address: quiet(ask(client, address, "GET")) for address in watched}

    before = seen()
    others_finish(world)
    after = seen()
    assert [address for address in watched if before[address] != after[address]] == []


def quiet(answer: tuple[int, bytes]) -> tuple[int, bytes]:
    status, body = answer
    for pattern in NOISE:
        body = pattern.sub(b"", body)
    return status, body


@pytest.mark.parametrize("who", ["lead", "editor"])
def test_a_city_never_learns_a_name_and_no_mark_before_the_result_is_given_to_it(client, world, who):
    people = world.people_of([*world.reviewers, world.moderator])
    marks = [
        text for text in others_finish(world) if "疑问" not in text
    ]  # the questions are meant for the city
    assert leaks(client, world, getattr(world, who), people + marks) == []


def test_a_city_that_is_shown_its_provisional_result_sees_reasons_but_no_names(client, world):
    others_finish(world)
    task = world.tasks[0]
    for code in review.unfinished_codes(task):
        make.mark(task, code)
    review.finish_review(assignment=task, by=task.reviewer)
    for one in world.other.assignments.all():
        for code in review.unfinished_codes(one):
            make.mark(one, code)
        review.finish_review(assignment=one, by=one.reviewer)
    administrator = make.user("administrator")
    snapshot = compute_round(round=world.round, by=administrator, draws=0)
    make.published(snapshot=snapshot, by=administrator)
    people = world.people_of([*world.reviewers, world.moderator])
    assert leaks(client, world, world.lead, people, methods=("GET",)) == []


def test_names_stay_hidden_from_a_reviewer_who_has_finished(client, world):
    others_finish(world)
    task = world.tasks[0]
    for code in review.unfinished_codes(task):
        make.mark(task, code)
    review.finish_review(assignment=task, by=task.reviewer)
    names = world.people_of(world.reviewers[1:])
    assert leaks(client, world, task.reviewer, names, methods=("GET",)) == []


def test_asked_to_reconsider_a_reviewer_still_sees_only_the_own_mark(client, world):
    secrets = others_finish(world) + world.people_of(world.reviewers[1:])
    task = world.tasks[0]
    for code in review.unfinished_codes(task):
        make.mark(task, code)
    review.finish_review(assignment=task, by=task.reviewer)
    divergence = world.submission.divergences.get(indicator__code="A2")
    Reconsideration.objects.create(
        divergence=divergence, assignment=task, note="请再看看", asked_by=make.user("administrator"),
        due_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    client.force_login(task.reviewer)
    body = ask(client, f"/review/{task.pk}/i/A2/", "GET")[1]
    assert "请再看看".encode() in body
    assert [text for text in secrets if text.encode() in body] == []


def test_the_walk_would_find_a_leak(client, world):
    """The administrator may see it all, and the search finds it."""
    secrets = others_finish(world)
    elsewhere = (*STATIC, "s/", "manage/", "review/", "visits/", "cases/")
    found = leaks(client, world, make.user("administrator"), secrets, methods=("GET",), without=elsewhere)
    assert any("37.9183" in line for line in found)
