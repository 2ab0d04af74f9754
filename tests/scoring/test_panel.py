"""A whole panel through the real pages, with behaviour from a seed, and its numbers computed again in plain Python.

Six reviewers, sixteen cities, the 56 leaves of the reference framework, three reviewers a city. What somebody said is
written down here as it is typed; `plain_sums` makes scores, ranks, agreement, severity and divergences of that, without
the engine, and each must be what the product stored. Half of the marks are requests to the mark page, the others
the action that the page calls, to spare half a minute.
"""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cities import actions as city_actions
from cities.answers import Content, resolve
from cities.importers import ReadCell
from cities.models import Answer
from indicators.actions import import_framework
from indicators.queries import load_tree
from indicators.reference import reference_framework
from scoring.actions import review
from scoring.models import (
    Appeal,
    Divergence,
    Mark,
    NodeScore,
    Provisional,
    Reconsideration,
    ReviewAssignment,
    Ruling,
)
from scoring.review_forms import MarkForm
from tests import make
from tests.scoring import plain_sums
from tests.scoring.plain_sums import AWAY, TOTAL, Cell

pytestmark = [pytest.mark.django_db, pytest.mark.walk, pytest.mark.xdist_group("panel")]
State = Answer.ValueState
EXACT = 1e-9
#: so many of the marks come as requests, the others by what the page calls: a request takes three times as long
THROUGH_PAGES = 1 / 2


def typed_moment(days: int) -> str:
    return f"{timezone.localtime() + timedelta(days=days):%Y-%m-%d %H:%M}"


def near(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) < EXACT


# --- the people ------------------------------------------------------------------------------------------------


@dataclass
class Reviewer:
    """Somebody with a browser, a severity of their own and moods; `versions` are those of the marks on the screen."""

    user: object
    temper: float
    luck: random.Random
    client: Client = field(default_factory=Client)
    versions: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.force_login(self.user)

    @property
    def name(self) -> str:
        return self.user.username

    def post(self, task, leaf, answer, data: dict, then: str = "next"):
        """What the mark page sends; every change that is stored raises the version."""
        at = (task.pk, leaf.code)
        sent = {"answer_version": answer.version, "version": self.versions.get(at, 0), "then": then, **data}
        response = self.client.post(reverse("review:mark", args=at), sent)
        assert response.status_code in (200, 302, 422), (response.status_code, task, leaf.code)
        self.versions[at] = self.versions.get(at, 0) + 1
        return response

    def opinion(self, leaf, answer) -> tuple[dict, object, str]:
        """The form's fields, what it means in the leaf's unit, and the level that it names."""
        luck, reason = self.luck, {"reason": "据材料认定"}
        if answer.value_state == State.NOT_APPLICABLE and luck.random() < 0.6:
            return {"decision": "confirm"}, AWAY, ""
        judge = {"decision": "judge"} if answer.value_state == State.NOT_APPLICABLE else {}
        if leaf.level_list:
            own = next((one for one in leaf.level_list if one.level == answer.level), leaf.level_list[1])
            middle = (own.score_min + own.score_max) / 2
            aim = round(middle + self.temper + luck.gauss(-1, 7))
            level = min(leaf.level_list, key=lambda one: max(one.score_min - aim, aim - one.score_max, 0))
            score = min(level.score_max, max(level.score_min, aim))
            score = level.score_max if luck.random() < 0.2 else score
            typed = "" if score == level.score_max and luck.random() < 0.5 else str(score)
            value = float(leaf.points) * score / 100 if leaf.kind == "bonus" else float(score)
            return {**judge, "level": level.level, "value_text": typed, **reason}, value, level.level
        if leaf.kind == "checklist":
            met = [one for one in leaf.item_list if luck.random() < 0.7]
            value = float(sum(one.score for one in met))
            return {**judge, "items": [one.item for one in met] or ["0"], **reason}, value, ""
        if leaf.kind == "bonus":
            value = luck.choice([1.5, 2, 2.5, 3])
            return {**judge, "value_text": str(value), **reason}, float(value), ""
        if not judge and luck.random() < 0.8:
            return {"decision": "confirm", "confidence": "3"}, answer.value, ""
        value = round((answer.value or 20) * (1 + (self.temper + luck.gauss(0, 5)) / 100), 3)
        value = min(value, 100.0) if leaf.unit == "%" else value
        more = {"decision": "judge", "value_text": str(value), "source": "统计公报第 3 页"}
        return {**more, **reason}, value, ""

    def judge(self, task, leaf, answer) -> tuple[object, str]:
        """One leaf as people do it: sometimes put aside, saved half way or without the reason that is asked for."""
        data, value, level = self.opinion(leaf, answer)
        mood = self.luck.random()
        if mood < 0.03:
            assert (
                self.post(task, leaf, answer, {**data, "reason": "先放一放"}, "set_aside").status_code == 302
            )
        elif mood < 0.06:
            saved = self.post(task, leaf, answer, {**data, "reason": "写到一半"}, "autosave")
            assert saved.json()["fields"]["version"] == self.versions[task.pk, leaf.code]
        elif mood < 0.09 and "source" in data:
            assert self.post(task, leaf, answer, {**data, "source": ""}).status_code == 422
        if self.luck.random() < THROUGH_PAGES:
            assert self.post(task, leaf, answer, data).status_code == 302
        else:
            self.save(task, leaf, answer, data)
        return value, level

    def save(self, task, leaf, answer, data: dict) -> None:
        """What the page does with the form, without the request around it."""
        at = (task.pk, leaf.code)
        sent = QueryDict(mutable=True)
        for name, given in {"answer_version": answer.version, **data}.items():
            sent.setlist(name, given if isinstance(given, list) else [given])
        form = MarkForm(sent, indicator=leaf, answer=answer)
        assert form.is_valid(), form.errors
        review.save_mark(
            assignment=task, indicator=leaf, content=form.content(), status=Mark.Status.DONE, by=self.user,
            accepts_not_applicable=form.accepts_not_applicable, found_in=form.found_in,
            confidence=form.cleaned_data["confidence"], seen_answer_version=answer.version,
            seen_version=self.versions.get(at, 0),
        )  # fmt: skip
        self.versions[at] = self.versions.get(at, 0) + 1


class Panel:
    """A round from the plan of who reviews what to the last result, and the notes of what everybody said."""

    def __init__(self, framework, *, cities: int, reviewers: int, seats: int, seed: int, **rules) -> None:
        self.luck = random.Random(seed)
        self.round = make.round_(framework, **rules)
        self.tree = load_tree(framework)
        self.sums = plain_sums.Tree(framework.indicators.prefetch_related("levels"))
        self.administrator, self.moderator = Client(), Client()
        self.administrator.force_login(make.user("administrator"))
        head = make.user("moderator")
        self.moderator.force_login(head)
        self.reviewers = {}
        for number in range(reviewers):
            person = make.user("reviewer", username=f"zhuanjia{self.round.pk}-{number}")
            temper = self.luck.gauss(0, 4)
            self.reviewers[person.pk] = Reviewer(person, temper, random.Random(seed + 1 + number))
        self.cells: dict[tuple[str, str], Cell] = {}
        self.fill_in(cities)
        self.plan(seats, without=head.pk)

    # -- cities

    def fill_in(self, cities: int) -> None:
        answers = {}
        for _ in range(cities):
            city, quality = make.city(), self.luck.uniform(0.4, 0.9)
            answers[city.pk] = [
                ReadCell(leaf, resolve(leaf, content, year=2025))
                for leaf in self.tree.leaves
                if (content := self.reported(leaf, quality)) is not None
            ]
        city_actions.import_answers(round_=self.round, answers=answers, by=None)
        for submission in self.submissions():
            city_actions.hand_in(submission=submission, by=None)
            self.read(submission)

    def reported(self, leaf, quality: float) -> Content | None:
        luck = self.luck.random()
        if luck < 0.02:
            return None
        if luck < 0.05:
            return Content(State.UNAVAILABLE, reason="没有统计")
        if luck < 0.08 and leaf.kind != "bonus":
            return Content(State.NOT_APPLICABLE, reason="没有此项职能")
        level = min(1.0, max(0.0, self.luck.gauss(quality, 0.15)))
        if leaf.level_list:
            bands = sorted(leaf.level_list, key=lambda one: one.score_min)
            return Content(State.VALUE, level=bands[min(int(4 * level), 3)].level)
        if leaf.kind == "checklist":
            met = [one.item for one in leaf.item_list if self.luck.random() < level]
            return Content(State.VALUE, items=";".join(met) or "0")
        if leaf.kind == "bonus":
            return Content(State.VALUE, value_text="2")
        knots = [float(one.split(":")[0]) for one in leaf.curve.split("|")]
        return Content(State.VALUE, value_text=f"{min(knots) + level * (max(knots) - min(knots)):.2f}")

    def submissions(self) -> list:
        rows = self.round.submissions.select_related("city", "round__framework")
        return list(rows.order_by("city__code"))

    def answers(self, submission) -> dict[str, Answer]:
        return {one.indicator.code: one for one in submission.answers.select_related("indicator")}

    def read(self, submission) -> None:
        """Write down what the city reports now."""
        for code, answer in self.answers(submission).items():
            known = self.cells.setdefault((submission.city.code, code), Cell("", None))
            known.state, known.value = answer.value_state, answer.value

    # -- who reviews what

    def url(self, name: str, *more) -> str:
        return reverse(name, args=[self.round.code, *more])

    def plan(self, seats: int, *, without: int) -> None:
        asked = {"per_city": seats, "seed": 5, "without": without}
        preview = self.administrator.get(self.url("manage:assign_plan"), asked)
        given = ReviewAssignment.objects.filter(submission__round=self.round)
        assert not given.exists(), "a preview gives nothing out"
        seen = {**asked, "fingerprint": preview.context["proposal"].fingerprint}
        assert self.administrator.post(self.url("manage:assign_plan"), seen).status_code == 302

    def task(self, submission, reviewer: Reviewer) -> ReviewAssignment:
        return ReviewAssignment.objects.select_related("submission").get(
            submission=submission, reviewer=reviewer.user
        )

    def panel_of(self, submission) -> list[Reviewer]:
        tasks = ReviewAssignment.objects.filter(submission=submission).exclude(status="recused")
        return [self.reviewers[pk] for pk in tasks.order_by("seat").values_list("reviewer", flat=True)]

    def step_back(self, submission, reviewer: Reviewer, kind: str) -> None:
        task = self.task(submission, reviewer)
        said = {"kind": kind, "reason": "不便评审"}
        assert reviewer.client.post(reverse("review:recuse", args=[task.pk]), said).status_code == 302
        for leaf in self.tree.leaves:
            self.cells[submission.city.code, leaf.code].marks.pop(reviewer.name, None)

    def give_to_another(self, submission) -> Reviewer:
        taken = set(submission.assignments.values_list("reviewer", flat=True))
        other = next(one for pk, one in self.reviewers.items() if pk not in taken)
        page = self.url("manage:assign", submission.pk)
        assert self.administrator.post(page, {"reviewer": other.user.pk}).status_code == 302
        return other

    # -- reviewing

    def review(self, submission, reviewer: Reviewer, *, leaves=None, finish: bool = True) -> None:
        """Mark these leaves, or all that there are; blanks are nobody's to judge."""
        task, answers = self.task(submission, reviewer), self.answers(submission)
        for leaf in leaves if leaves is not None else self.tree.leaves:
            answer = answers[leaf.code]
            if answer.value_state not in (State.VALUE, State.NOT_APPLICABLE):
                continue
            cell = self.cells[submission.city.code, leaf.code]
            cell.marks[reviewer.name], cell.levels[reviewer.name] = reviewer.judge(task, leaf, answer)
        if finish:
            self.finish(submission, reviewer)

    def finish(self, submission, reviewer: Reviewer) -> None:
        page = reverse("review:finish", args=[self.task(submission, reviewer).pk])
        assert reviewer.client.post(page).status_code == 302

    def come_back(self, submission, leaves) -> None:
        """The city changed these leaves: marks of them are drafts again, and are given anew."""
        self.read(submission)
        for reviewer in self.panel_of(submission):
            task = self.task(submission, reviewer)
            mine = [leaf for leaf in leaves if (task.pk, leaf.code) in reviewer.versions]
            for leaf in mine:
                cell = self.cells[submission.city.code, leaf.code]
                cell.marks.pop(reviewer.name)
                reviewer.versions[task.pk, leaf.code] += 1  # taken back to a draft
            waiting = Mark.objects.filter(assignment=task, status=Mark.Status.DRAFT)
            assert sorted(waiting.values_list("indicator__code", flat=True)) == sorted(
                leaf.code for leaf in mine
            )

    # -- what follows

    def cell_url(self, name: str, submission, code: str) -> str:
        return reverse(f"moderation:{name}", args=[self.round.code, submission.pk, code])

    def ask_again(self, divergence, reviewer: Reviewer) -> None:
        said = {
            "assignments": [self.task(divergence.submission, reviewer).pk],
            "note": "请再核对材料",
            "due_at": typed_moment(3),
        }
        page = self.cell_url("ask", divergence.submission, divergence.indicator.code)
        assert self.moderator.post(page, said).status_code == 302

    def rule(self, submission, leaf, fields: dict, given: object) -> None:
        """First the page that says what follows, then the decision."""
        page = self.cell_url("rule", submission, leaf.code)
        said = {"replaces": 0, "decision": "rule", **fields}
        assert self.moderator.post(page, {**said, "step": "rule"}).status_code == 422, "without a reason"
        said["reason"] = "核对佐证材料后裁定"
        assert self.moderator.post(page, {**said, "step": "check"}).status_code == 200
        assert self.moderator.post(page, {**said, "step": "rule"}).status_code == 302
        self.cells[submission.city.code, leaf.code].ruling = given

    def compute(self):
        assert self.administrator.post(self.url("manage:compute")).status_code == 302
        return self.round.snapshots.latest()

    # -- in plain Python

    def expected(self) -> dict[str, dict[str, float | None]]:
        """City -> node -> score."""
        cap = self.round.framework.bonus_cap
        return {
            one.city.code: plain_sums.nodes_of(self.sums, self.finals(one.city.code), bonus_cap=cap)
            for one in self.submissions()
        }

    def finals(self, city: str) -> dict[str, tuple[str, float | None]]:
        rules = {"panel": self.round.panel, "missing": self.round.missing}
        return {
            code: plain_sums.final_of(self.sums, code, self.cells[city, code], **rules)
            for code in self.sums.leaves
        }

    def units(self, dimension: str = "") -> list[dict[str, float]]:
        """Each cell's scores by reviewer; a bonus is measured in points of its own and stays out."""
        inside = set(self.sums.below(dimension)) if dimension else set(self.sums.leaves)
        return [
            {
                who: self.sums.score(code, one)
                for who, one in sorted(cell.marks.items())
                if not isinstance(one, str)
            }
            for (_city, code), cell in self.cells.items()
            if code in inside and not self.sums.is_bonus(code)
        ]

    def far_apart(self) -> dict[tuple[str, str], float]:
        limits = {"points": self.round.divergence_points, "levels": self.round.divergence_levels}
        judged = {
            at: plain_sums.far_apart(self.sums, at[1], cell, **limits) for at, cell in self.cells.items()
        }
        return {at: reach for at, (is_far, reach) in judged.items() if is_far}

    def agrees(self, snapshot) -> list[str]:
        """What the stored result says otherwise than plain Python does."""
        expected, wrong = self.expected(), []
        ranks = {
            node: plain_sums.ranks({city: scores[node] for city, scores in expected.items()})
            for node in (TOTAL, *self.sums.rows)
        }
        rows = list(snapshot.node_scores.select_related("submission__city"))
        for row in rows:
            city = row.submission.city.code
            if not near(row.score, expected[city][row.node_code]):
                wrong.append(f"{city} {row.node_code}: {row.score} != {expected[city][row.node_code]}")
            if row.rank != ranks[row.node_code][city]:
                wrong.append(f"{city} {row.node_code}: rank {row.rank} != {ranks[row.node_code][city]}")
            if row.node_code in self.sums.leaves and row.state != self.finals(city)[row.node_code][0]:
                wrong.append(f"{city} {row.node_code}: {row.state} != {self.finals(city)[row.node_code][0]}")
        assert len(rows) == len(expected) * (1 + len(self.sums.rows))
        return wrong


# --- the whole panel -------------------------------------------------------------------------------------------


def returned_and_resubmitted(panel: Panel, submission, lead, leaves) -> None:
    """Two leaves go back with remarks; the city changes both and hands in again, through its own pages."""
    remarks = {f"pick_{leaf.pk}": "on" for leaf in leaves} | {
        f"remark_{leaf.pk}": "请核对" for leaf in leaves
    }
    page = panel.url("manage:return", submission.pk)
    said = {**remarks, "due_at": typed_moment(7), "step": "confirm"}
    assert panel.administrator.post(page, said).status_code == 302
    client = Client()
    client.force_login(lead)
    for leaf in leaves:
        answer = panel.answers(submission)[leaf.code]
        value = {"level": "C"} if leaf.level_list else {"value_text": str(round(answer.value * 0.9, 2))}
        said = {
            "version": answer.version,
            "value_state": "value",
            "narrative": "已核对",
            "then": "ready",
            **value,
        }
        page = reverse("submission:answer", args=[submission.pk, leaf.code])
        assert client.post(page, said).status_code == 302
    page = reverse("submission:submit", args=[submission.pk])
    assert client.post(page, {"declared": "on"}).status_code == 302
    panel.come_back(submission, leaves)


@pytest.fixture(scope="module")
def story(kept_rows):
    """The round as it went; what the tests below look at is noted on the way."""
    framework = import_framework(reference_framework(), publish=True, by=None).framework
    panel = Panel(framework, cities=16, reviewers=6, seats=3, seed=2013)
    noted = SimpleNamespace(panel=panel, loads=[], kept=[])
    submissions = panel.submissions()
    noted.loads = [one.user.assignments.count() for one in panel.reviewers.values()]
    declined, recused, returned = submissions[:3]
    # one declines and is replaced; one steps back with marks, which then count no more
    panel.step_back(declined, panel.panel_of(declined)[0], "declined")
    noted.replacement = panel.give_to_another(declined)
    leaving = panel.panel_of(recused)[1]
    panel.review(recused, leaving, leaves=panel.tree.leaves[:10], finish=False)
    panel.step_back(recused, leaving, "conflict")
    # one city's answers change while its panel is at work
    first, second, third = panel.panel_of(returned)
    panel.review(returned, first)
    panel.review(returned, second, leaves=panel.tree.leaves[:20], finish=False)
    changed = [
        next(leaf for leaf in panel.tree.leaves[:20] if is_one(leaf) and value_of(panel, returned, leaf))
        for is_one in (lambda leaf: leaf.level_list, lambda leaf: leaf.kind == "quantity")
    ]
    returned_and_resubmitted(panel, returned, make.member(returned.city), changed)
    panel.review(returned, first, leaves=changed)
    panel.review(returned, second, leaves=[*changed, *panel.tree.leaves[20:]])
    panel.review(returned, third)
    for submission in [declined, recused, *submissions[3:]]:
        for reviewer in panel.panel_of(submission):
            panel.review(submission, reviewer)
    noted.provisional = dict(Provisional.objects.values_list("submission__city__code", "total"))
    noted.before_moderation = panel.expected()
    noted.queue = found_divergences(panel)
    noted.far_apart = panel.far_apart()
    moderate(panel, noted)
    noted.first = panel.compute()
    noted.wrong_at_first = panel.agrees(noted.first)
    noted.score_at_first = panel.expected()
    appeal(panel, noted)
    noted.last = panel.compute()
    return noted


def value_of(panel: Panel, submission, leaf) -> float | None:
    return panel.cells[submission.city.code, leaf.code].value


def found_divergences(panel: Panel) -> dict[tuple[str, str], float]:
    rows = Divergence.objects.filter(submission__round=panel.round).exclude(status="resolved")
    return {
        (city, code): reach
        for city, code, reach in rows.values_list("submission__city__code", "indicator__code", "range_points")
    }


def moderate(panel: Panel, noted) -> None:
    """One reviewer changes a mark, one keeps it with a further reason; two cells are ruled on, one is let stand."""
    rows = Divergence.objects.select_related("submission__city", "indicator").order_by("-range_points", "pk")
    leaves = {leaf.code: leaf for leaf in panel.tree.leaves}
    rubrics = [
        row for row in rows
        if leaves[row.indicator.code].kind == "rubric" and len(panel.panel_of(row.submission)) == 3
        and AWAY not in panel.cells[row.submission.city.code, row.indicator.code].marks.values()
    ]  # fmt: skip
    changing, keeping, ruled, standing = rubrics[:4]
    noted.changing, noted.keeping, noted.ruled, noted.standing = changing, keeping, ruled, standing
    for row, changes in ((changing, True), (keeping, False)):
        at = row.submission.city.code, row.indicator.code
        cell, leaf = panel.cells[at], leaves[row.indicator.code]
        scores = sorted((one, who) for who, one in cell.marks.items())
        reviewer = next(one for one in panel.reviewers.values() if one.name == scores[-1][1])
        panel.ask_again(row, reviewer)
        value = scores[0][0] if changes else scores[-1][0]
        level = next(one for one in leaf.level_list if one.score_min <= value <= one.score_max)
        data = {"level": level.level, "value_text": f"{value:g}", "reason": "复核后的意见"}
        answer = panel.answers(row.submission)[leaf.code]
        task = panel.task(row.submission, reviewer)
        assert reviewer.post(task, leaf, answer, data).status_code == 302
        cell.marks[reviewer.name], cell.levels[reviewer.name] = value, level.level
    noted.marks_before = marks_of(ruled)
    panel.rule(ruled.submission, leaves[ruled.indicator.code], {"level": "B", "value_text": "81.5"}, 81.5)
    away = next(
        (city, code) for (city, code), cell in panel.cells.items()
        if cell.state == "not_applicable" and 2 * list(cell.marks.values()).count(AWAY) < len(cell.marks)
    )  # fmt: skip
    target = next(one for one in panel.submissions() if one.city.code == away[0])
    panel.rule(target, leaves[away[1]], {"decision": "away"}, AWAY)
    page = panel.cell_url("accept", standing.submission, standing.indicator.code)
    assert panel.moderator.post(page, {"reason": "两种理解都有道理"}).status_code == 302


def marks_of(row) -> list[tuple]:
    found = Mark.objects.filter(assignment__submission=row.submission, indicator=row.indicator)
    names = [one.name for one in Mark._meta.fields]
    return sorted(found.values_list(*names))


def appeal(panel: Panel, noted) -> None:
    """The results go to the cities; one appeal is upheld, one dismissed."""
    page = panel.url("moderation:release", noted.first.pk)
    assert panel.administrator.post(page, {"appeals_until": typed_moment(10)}).status_code == 302
    leaves = {leaf.code: leaf for leaf in panel.tree.leaves}
    submission = panel.submissions()[5]
    lead = Client()
    lead.force_login(make.member(submission.city))
    marked = [
        code for code in panel.sums.leaves
        if leaves[code].kind == "rubric" and panel.cells[submission.city.code, code].state == "value"
    ]  # fmt: skip
    for code, said in zip(marked, ("uphold", "dismiss"), strict=False):
        page = reverse("appeals:new", args=[submission.pk, code])
        assert lead.post(page, {"reason": "材料已足够证明"}).status_code == 302
        waiting = Appeal.objects.get(submission=submission, indicator__code=code)
        decide = panel.url("moderation:appeal", waiting.pk)
        reason = {"reason": "复核后答复"}
        if said == "dismiss":
            assert panel.moderator.post(decide, {"step": "dismiss", **reason}).status_code == 302
            continue
        ruling = {"replaces": 0, "decision": "rule", "level": "A", "value_text": "97", **reason}
        assert panel.moderator.post(decide, {**ruling, "step": "check"}).status_code == 200
        assert panel.moderator.post(decide, {**ruling, "step": "rule"}).status_code == 302
        panel.cells[submission.city.code, code].ruling = 97.0
    noted.appealed, noted.appealed_codes = submission, marked[:2]


def test_the_plan_gives_everybody_eight_cities(story):
    assert story.loads == [8] * 6


def test_everything_was_marked(story):
    """16 cities, three reviewers each, one short where one stepped back."""
    cells = [one for one in story.panel.cells.values() if one.state in ("value", "not_applicable")]
    assert len(story.panel.cells) == 16 * 56
    assert sum(len(one.marks) for one in cells) > 2400
    assert {len(one.marks) for one in cells} == {2, 3}
    assert not any(one.marks for one in story.panel.cells.values() if one not in cells)


def test_the_running_scores_were_those_of_the_marks(story):
    expected = {city: nodes[TOTAL] for city, nodes in story.before_moderation.items()}
    assert {city for city, total in story.provisional.items() if not near(total, expected[city])} == set()


def test_the_queue_holds_what_lies_far_apart(story):
    assert story.queue.keys() == story.far_apart.keys()
    assert [at for at, reach in story.queue.items() if not near(reach, story.far_apart[at])] == []
    assert len(story.queue) > 10


def test_the_queue_follows_reconsideration_and_rulings(story):
    panel = story.panel
    found = dict(
        Divergence.objects.filter(pk__in=[story.changing.pk, story.keeping.pk, story.ruled.pk, story.standing.pk])
        .values_list("pk", "status")
    )  # fmt: skip
    still_far = (story.changing.submission.city.code, story.changing.indicator.code) in panel.far_apart()
    assert found == {
        story.changing.pk: "open" if still_far else "resolved",
        story.keeping.pk: "open",
        story.ruled.pk: "ruled",
        story.standing.pk: "accepted",
    }
    kept = dict(Reconsideration.objects.values_list("divergence", "kept"))
    assert kept == {story.changing.pk: False, story.keeping.pk: True}


def test_a_ruling_needs_a_reason_and_leaves_every_mark_as_it_was(story):
    """Check 24; that it is refused without a reason is tried where the story rules."""
    assert marks_of(story.ruled) == story.marks_before
    assert len(story.marks_before) == 3
    assert set(Ruling.objects.values_list("reason", flat=True)) == {"核对佐证材料后裁定", "复核后答复"}


def test_the_first_result_is_what_plain_python_makes_of_it(story):
    assert story.wrong_at_first == []


def test_the_last_result_is_what_plain_python_makes_of_it(story):
    assert story.panel.agrees(story.last) == []


def test_what_was_upheld_changed_and_what_was_dismissed_did_not(story):
    city = story.appealed.city.code
    upheld, dismissed = story.appealed_codes
    scores = dict(
        NodeScore.objects.filter(snapshot=story.last, submission=story.appealed).values_list(
            "node_code", "score"
        )
    )
    before = story.score_at_first[city]
    assert (scores[upheld], scores[dismissed]) == (97.0, pytest.approx(before[dismissed], abs=EXACT))
    assert scores[TOTAL] != pytest.approx(before[TOTAL], abs=EXACT)


def test_every_state_of_a_leaf_takes_part(story):
    """Otherwise the comparison would show less than it says."""
    states = set(NodeScore.objects.filter(snapshot=story.last).values_list("state", flat=True))
    assert {"value", "blank", "unavailable", "not_applicable"} <= states


def test_agreement_is_krippendorffs_alpha_over_every_pair(story):
    panel = story.panel
    report = panel.administrator.get(panel.url("results:agreement")).context["report"]
    found = {line.code: (line.alpha.value, line.alpha.pairs) for line in report.alphas}
    dimensions = [code for code in panel.sums.children[TOTAL] if not panel.sums.is_bonus(code)]
    assert list(found) == ["", *dimensions]
    for code, (value, pairs) in found.items():
        expected = plain_sums.alpha([list(unit.values()) for unit in panel.units(code)])
        assert (value, pairs) == (pytest.approx(expected[0], abs=EXACT), expected[1]), code


def test_severity_is_each_reviewers_mean_distance_from_the_others(story):
    panel = story.panel
    report = panel.administrator.get(panel.url("results:agreement")).context["report"]
    expected = plain_sums.severities(panel.units())
    assert {line.user.username for line in report.severities} == set(expected)
    for line in report.severities:
        mean, error, cells = expected[line.user.username]
        assert (line.mean, line.cells) == (pytest.approx(mean, abs=EXACT), cells)
        # Student's t at several hundred degrees of freedom lies a little above the normal's 1.96
        assert 1.959 * error < line.high - line.mean < 1.98 * error
        assert line.mean - line.low == pytest.approx(line.high - line.mean, abs=EXACT)


# --- the other rules of a panel --------------------------------------------------------------------------------
