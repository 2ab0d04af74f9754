"""Who reviews which city: conflicts, plans that are applied as they were seen, workbooks, stepping back, replacing."""

import io
from dataclasses import replace

import openpyxl
import pytest

from accounts.models import AuditEntry, Notice
from cities.actions import ActionRefused
from cities.answers import content_of
from cities.models import Membership
from indicators.queries import load_tree
from scoring import assigning
from scoring.actions import assigning as actions
from scoring.actions import planning, review
from scoring.actions.compute import compute_round
from scoring.assigning import Options, facts_of, gaps, propose
from scoring.assignment_workbook import assignment_workbook, read_assignment, state_digest
from scoring.models import Mark, Recusal, ReviewAssignment
from scoring.scope import in_scope, leaf_ids, leaves_of
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user("administrator", username="boss")


def setting(cities=4, people=4, **fields):
    in_round = make.round_(**fields)
    submissions = [
        make.submission(make.city(name_zh=f"市{n}", province_zh=f"省{n}"), in_round) for n in range(cities)
    ]
    reviewers = [make.user("reviewer", username=f"rev{n}", display_name=f"专家{n}") for n in range(people)]
    return in_round, submissions, reviewers


def profile(person, by, **fields):
    fields = {"city": None, "province_zh": "", "most_cities": None, **fields}
    return actions.save_profile(reviewer=person, by=by, **fields)


def plan_of(in_round, **fields):
    return propose(facts_of(in_round), Options(**{"per_city": 2, "seed": 1, **fields}))


# --- scope -----------------------------------------------------------------------------------------------------


def test_a_task_covers_the_leaves_of_its_dimensions():
    submission = make.handed_in()
    tree = load_tree(submission.round.framework)
    whole = make.assignment(submission)
    part = actions.assign_reviewer(
        submission=submission, reviewer=make.user("reviewer"), by=None, dimensions=["B", "A"]
    )
    assert [leaf.code for leaf in leaves_of(whole, tree)] == ["A1", "A2", "B1", "H1"]
    assert leaf_ids(whole) is None
    assert [leaf.code for leaf in leaves_of(part, tree)] == ["A1", "A2", "B1"]
    assert part.dimensions == ["A", "B"]
    assert leaf_ids(part) == {leaf.pk for leaf in leaves_of(part, tree)}
    assert [in_scope(part, tree, code) for code in ("A", "A1", "H1", "nothing")] == [True, True, False, False]


def test_finishing_needs_only_what_is_in_scope():
    submission = make.handed_in()
    person = make.user("reviewer")
    task = actions.assign_reviewer(submission=submission, reviewer=person, by=None, dimensions=["B"])
    assert review.unfinished_codes(task) == ["B1"]
    make.mark(task, "B1")
    assert review.finish_review(assignment=task, by=person).status == ReviewAssignment.Status.FINISHED


def test_dimensions_change_until_marks_stand_outside(administrator):
    task = make.assignment(make.handed_in())
    make.mark(task, "A1")
    with pytest.raises(ActionRefused, match="A1 不在所选维度内"):
        actions.set_dimensions(assignment=task, dimensions=["B"], by=administrator)
    assert actions.set_dimensions(assignment=task, dimensions=["A"], by=administrator).dimensions == ["A"]
    with pytest.raises(ActionRefused, match="没有维度“Z”"):
        actions.set_dimensions(assignment=task, dimensions=["Z"], by=administrator)


# --- conflicts -------------------------------------------------------------------------------------------------


def test_nobody_gets_the_own_city_or_province_or_a_declared_conflict(administrator):
    in_round, (one, two, three, four), (person, other, *_) = setting()
    profile(person, administrator, city=one.city)
    profile(other, administrator, province_zh="省1")
    Membership.objects.create(user=person, city=three.city)
    for target, who, words in (
        (one, person, "应当回避"), (three, person, "应当回避"), (two, other, "同在省1"),
    ):  # fmt: skip
        with pytest.raises(ActionRefused, match=words):
            make.assignment(target, who)
    actions.declare_conflicts(
        round_=in_round, reviewer=other, cities=[four.city], reason="项目合作", by=other
    )
    with pytest.raises(ActionRefused, match="已登记回避市3"):
        make.assignment(four, other)
    plan = plan_of(in_round)
    given = {(g.person.user, g.submission) for g in plan.given}
    assert not given & {(person, one), (person, three), (other, two), (other, four)}
    assert len(given) == 8


@pytest.mark.parametrize(
    ("typed", "city"), [("广东", "广东省"), ("新疆", "新疆维吾尔自治区"), ("北京市", "北京市")]
)
def test_a_province_is_known_by_its_short_name(administrator, typed, city):
    person = make.user("reviewer")
    profile(person, administrator, province_zh=typed)
    with pytest.raises(ActionRefused, match="应当回避"):
        make.assignment(make.submission(make.city(province_zh=city)), person)


# --- the plan --------------------------------------------------------------------------------------------------


def test_a_plan_is_applied_as_it_was_seen_and_told_once_to_each(administrator):
    in_round, submissions, people = setting(cities=6, people=4)
    kept = make.assignment(submissions[0], people[0])
    options = Options(per_city=2, seed=3)
    seen = propose(facts_of(in_round), options)
    assert (
        planning.apply_plan(round_=in_round, options=options, seen=seen.fingerprint, by=administrator) == 11
    )
    panels = ReviewAssignment.objects.filter(submission__round=in_round)
    assert panels.count() == 12
    assert kept in panels
    assert {(g.person.user.pk, g.submission.pk) for g in seen.given} < set(
        panels.values_list("reviewer_id", "submission_id")
    )
    assert Notice.objects.filter(kind="assigned", text__contains="个城市的新评审任务").count() == 4
    entry = AuditEntry.objects.get(action="apply_assignment_plan")
    assert (entry.detail["seats"], entry.detail["seed"]) == (11, 3)
    assert plan_of(in_round).given == []


def test_what_was_not_seen_is_not_applied(administrator):
    in_round, submissions, people = setting()
    options = Options(per_city=2, seed=1)
    seen = propose(facts_of(in_round), options).fingerprint
    actions.declare_conflicts(
        round_=in_round, reviewer=people[0], cities=[submissions[0].city], reason="亲属", by=people[0]
    )
    with pytest.raises(planning.PlanChanged) as changed:
        planning.apply_plan(round_=in_round, options=options, seen=seen, by=administrator)
    assert not ReviewAssignment.objects.exists()
    again = changed.value.proposal.fingerprint
    assert planning.apply_plan(round_=in_round, options=options, seen=again, by=administrator) == 8


def test_an_infeasible_request_names_the_city_and_the_constraint(administrator):
    in_round, submissions, people = setting(cities=3, people=4)
    for person in people[:2]:
        actions.declare_conflicts(
            round_=in_round, reviewer=person, cities=[submissions[1].city], reason="合作", by=person
        )
    assert plan_of(in_round, per_city=3).troubles == [
        "市1：除回避者外只剩 2 位专家，少于要求的 3 位（已登记回避 2 位）。"
    ]


def test_too_little_room_is_said_as_a_sum():
    in_round, _, _ = setting(cities=16, people=6)
    (words,) = plan_of(in_round, per_city=3, limit=5).troubles
    assert words.startswith("负荷上限 5 × 6 位 = 30 < 需要 48。")


def test_a_hidden_shortage_names_the_cities_and_the_reviewers(administrator):
    """Enough room in all and enough people for each city, but two cities hang on the same two, who can take one each."""
    in_round, (one, two, *_), people = setting(cities=4, people=4)
    for person in people[:2]:
        profile(person, administrator, most_cities=1)
    for person in people[2:]:
        for target in (one, two):
            actions.declare_conflicts(
                round_=in_round, reviewer=person, cities=[target.city], reason="合作", by=person
            )
    (words,) = plan_of(in_round, per_city=2).troubles
    assert "市0、市1" in words
    assert "共还需要 4 位次" in words
    assert "专家0、专家1的负荷合计只剩 2" in words
    assert "少 2 位次" in words


def test_groups_of_dimensions_each_fill_every_city():
    in_round, submissions, people = setting(cities=4, people=6)
    first, second = people[:3], people[3:]
    dimensions = {one.pk: ("A", "H") for one in first} | {one.pk: ("B",) for one in second}
    plan = plan_of(in_round, dimensions=dimensions)
    for submission in submissions:
        panel = [(g.person.user, g.dimensions) for g in plan.given if g.submission == submission]
        assert sorted(d for _, d in panel) == [("A", "H"), ("A", "H"), ("B",), ("B",)]
        assert all((who in first) == (d == ("A", "H")) for who, d in panel)
    overlapping = plan_of(in_round, dimensions={people[0].pk: ("A",)})
    assert "维度 A 同时属于两组" in overlapping.troubles[0]
    uncovered = plan_of(in_round, dimensions={one.pk: ("A",) for one in people})
    assert uncovered.troubles == ["维度 B 没有专家负责。", "维度 H 没有专家负责。"]


def test_anchors_go_to_everybody_until_the_review_opens(administrator):
    in_round, submissions, people = setting(cities=4, people=5)
    assert actions.set_anchors(round_=in_round, chosen=submissions[:1], by=administrator) == 1
    plan = plan_of(in_round)
    assert {g.person.user for g in plan.given if g.submission == submissions[0]} == set(people)
    profile(people[0], administrator, most_cities=0)
    assert plan_of(in_round).troubles == [
        "校准城市要由每位专家评审：专家0已有 0 个城市，再加 1 个，超过负荷上限 0。"
    ]
    make.confirmed(make.handed_in(in_round=in_round))
    with pytest.raises(ActionRefused, match="已有专家完成评审，不能再调整校准城市"):
        actions.set_anchors(round_=in_round, chosen=[], by=administrator)


def test_one_reviewer_a_city_cannot_be_compared_and_the_preview_says_so():
    in_round, _, _ = setting()
    assert "无法比较宽严" in plan_of(in_round, per_city=1).warnings[0]


@pytest.mark.parametrize("cities", [1, 3])
def test_planning_asks_the_same_number_of_queries(client, administrator, django_assert_num_queries, cities):
    in_round, _, _ = setting(cities=cities)
    client.force_login(administrator)
    with django_assert_num_queries(7):
        plan_of(in_round)
    with django_assert_num_queries(11):
        assert client.get(f"/manage/rounds/{in_round.code}/assignment/").status_code == 200
    with django_assert_num_queries(10):
        client.get(f"/manage/rounds/{in_round.code}/assignment/plan/?per_city=2&seed=1")


def test_the_pages_preview_apply_and_refuse_what_changed(client, administrator):
    in_round, submissions, people = setting()
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/assignment/plan/"
    page = client.get(address, {"per_city": 2, "seed": 7})
    content = page.content.decode()
    assert "随机种子 7" in content
    assert "共同评审的城市数" in content
    asked = {"per_city": 2, "seed": 7, "fingerprint": page.context["proposal"].fingerprint}
    make.assignment(submissions[0], people[0])
    stale = client.post(address, asked)
    assert stale.status_code == 409
    assert "情况有了变化" in stale.content.decode()
    assert ReviewAssignment.objects.count() == 1
    asked["fingerprint"] = stale.context["proposal"].fingerprint
    assert client.post(address, asked).status_code == 302
    assert ReviewAssignment.objects.count() == 8
    assert client.get(address, {"per_city": 0, "seed": 7}).status_code == 422
    assert "少于要求的 9 位" in client.get(address, {"per_city": 9, "seed": 7}).content.decode()


# --- by hand ---------------------------------------------------------------------------------------------------


def test_a_reviewer_without_work_leaves_no_trace_and_one_with_marks_stays_for_ever(administrator):
    submission = make.handed_in()
    idle, busy = make.assignment(submission), make.assignment(submission)
    actions.take_off(assignment=idle, by=administrator)
    assert list(submission.assignments.all()) == [busy]
    make.mark(busy, "A1")
    with pytest.raises(ActionRefused, match="请写明原因"):
        actions.take_off(assignment=busy, by=administrator)
    actions.take_off(assignment=busy, by=administrator, reason="另有任务")
    busy.refresh_from_db()
    assert busy.status == ReviewAssignment.Status.RECUSED
    assert Mark.objects.filter(assignment=busy).count() == 1
    assert Recusal.objects.get().reason == "另有任务"
    assert AuditEntry.objects.filter(action="take_off_reviewer").count() == 2


def test_a_recused_reviewer_comes_back_only_when_the_recusal_is_lifted(administrator):
    submission = make.handed_in()
    task = make.assignment(submission)
    actions.recuse(assignment=task, kind="declined", reason="出差", by=task.reviewer)
    with pytest.raises(ActionRefused, match="已登记回避"):
        make.assignment(submission, task.reviewer)
    with pytest.raises(ActionRefused, match="请写明撤销原因"):
        actions.lift_recusal(recusal=Recusal.objects.get(), by=administrator, reason=" ")
    actions.lift_recusal(recusal=Recusal.objects.get(), by=administrator, reason="误登")
    again = make.assignment(submission, task.reviewer)
    assert (again.pk, again.seat, again.status) == (task.pk, 1, "assigned")


def test_the_page_of_a_city_offers_only_those_who_may(client, administrator):
    in_round, (one, *_), people = setting()
    profile(people[0], administrator, city=one.city)
    client.force_login(administrator)
    address = f"/manage/rounds/{in_round.code}/assign/{one.pk}/"
    content = client.get(address).content.decode()
    assert "专家0：本市人员" in content
    forged = client.post(address, {"reviewer": people[0].pk})
    assert forged.status_code == 422
    assert client.post(address, {"reviewer": people[1].pk, "dimensions": ["A"]}).status_code == 302
    assert ReviewAssignment.objects.get().dimensions == ["A"]
    task = ReviewAssignment.objects.get()
    assert client.post(f"/manage/rounds/{in_round.code}/tasks/{task.pk}/take-off/", {}).status_code == 302
    assert not ReviewAssignment.objects.exists()


# --- stepping back ---------------------------------------------------------------------------------------------


def test_a_reviewer_steps_back_with_a_reason_and_the_marks_stop_counting(client, administrator):
    submission = make.confirmed(make.handed_in(), 1)
    task = make.assignment(submission)
    stored = submission.answers.get(indicator__code="A1")
    make.mark(task, "A1", replace(content_of(stored), value_text="0", reason="没有"))
    client.force_login(task.reviewer)
    address = f"/review/{task.pk}/recuse/"
    assert client.post(address, {"kind": "conflict", "reason": ""}).status_code == 422
    assert client.post(address, {"kind": "conflict", "reason": "曾任该市顾问"}).status_code == 302
    task.refresh_from_db()
    assert task.status == ReviewAssignment.Status.RECUSED
    assert task.marks.count() == 1
    assert (Recusal.objects.get().kind, Recusal.objects.get().by) == ("conflict", task.reviewer)
    assert Notice.objects.get(user=administrator, kind="recused").text.endswith("请补派专家。")
    assert client.get(f"/review/{task.pk}/i/A1/").status_code == 404
    assert client.post(address, {"kind": "conflict", "reason": "再来"}).status_code == 302
    assert AuditEntry.objects.filter(action="recuse").count() == 1
    assert compute_round(round=submission.round, by=None, draws=0).node_scores.get(node_code="A1").score == 80


def test_nobody_steps_back_for_another(client):
    task = make.assignment(make.handed_in())
    client.force_login(make.user("reviewer"))
    assert client.post(f"/review/{task.pk}/recuse/", {"kind": "conflict", "reason": "x"}).status_code == 404
    task.refresh_from_db()
    assert task.status == ReviewAssignment.Status.ASSIGNED


def test_a_finished_task_is_not_given_back():
    task = make.confirmed(make.handed_in()).assignments.get()
    with pytest.raises(ActionRefused, match="已完成"):
        actions.recuse(assignment=task, kind="declined", reason="忙", by=task.reviewer)


def test_declaring_beforehand_gives_back_an_open_task_and_is_kept(client, administrator):
    in_round, (one, two, *_), (person, *_) = setting()
    task = make.assignment(one, person)
    client.force_login(person)
    response = client.post(
        f"/review/recusals/?round={in_round.code}",
        {"cities": [one.city_id, two.city_id], "reason": "亲属任职"},
    )
    assert response.status_code == 302
    task.refresh_from_db()
    assert task.status == ReviewAssignment.Status.RECUSED
    assert set(Recusal.objects.values_list("city_id", flat=True)) == {one.city_id, two.city_id}
    assert "亲属任职" in client.get("/review/recusals/").content.decode()
    client.force_login(administrator)
    register = f"/manage/rounds/{in_round.code}/assignment/recusals/"
    assert "亲属任职" in client.get(register).content.decode()
    lift = f"{register}{Recusal.objects.get(city=two.city).pk}/lift/"
    assert client.post(lift, {"reason": ""}).status_code == 422
    assert client.post(lift, {"reason": "误登"}).status_code == 302
    assert Recusal.objects.count() == 1


def test_a_reviewer_sees_own_recusals_only(client):
    in_round, (one, *_), (person, other, *_) = setting()
    actions.declare_conflicts(
        round_=in_round, reviewer=other, cities=[one.city], reason="别人的秘密", by=other
    )
    client.force_login(person)
    assert "别人的秘密" not in client.get("/review/recusals/").content.decode()


def test_what_somebody_gave_back_waits_for_one_click(client, administrator):
    in_round, submissions, people = setting(cities=3, people=4)
    tasks = [make.assignment(submissions[0], one) for one in people[:2]]
    make.assignment(submissions[1], people[2])
    actions.recuse(assignment=tasks[0], kind="declined", reason="出差", by=people[0])
    (gap,) = gaps(facts_of(in_round))
    assert (gap.task, gap.submission) == (tasks[0], submissions[0])
    assert [person.user for person, _ in gap.suggestions] == [people[3], people[2]]  # the free one first
    client.force_login(administrator)
    assert "待补派（1）" in client.get(f"/manage/rounds/{in_round.code}/assignment/").content.decode()
    client.post(
        f"/manage/rounds/{in_round.code}/assign/{submissions[0].pk}/",
        {"reviewer": people[3].pk, "next": "assignment"},
    )
    assert gaps(facts_of(in_round)) == []


# --- the workbook ----------------------------------------------------------------------------------------------


def filled(in_round, cells):
    """The downloaded workbook with cells (city code, heading) typed over."""
    book = openpyxl.load_workbook(io.BytesIO(assignment_workbook(facts_of(in_round))))
    sheet = book["评审分配"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    rows = {sheet.cell(row, 1).value: row for row in range(2, sheet.max_row + 1)}
    for (code, heading), text in cells.items():
        sheet.cell(rows[code], columns[heading], text)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_workbook_comes_back_unchanged():
    in_round, submissions, people = setting()
    make.assignment(submissions[0], people[0])
    gone = make.assignment(submissions[0], people[1])
    actions.recuse(assignment=gone, kind="declined", reason="忙", by=people[1])
    check = read_assignment(assignment_workbook(facts_of(in_round)), facts_of(in_round))
    assert (check.changes, check.problems, check.unchanged) == ([], [], 2)


def test_the_workbook_adds_replaces_clears_and_limits(administrator):
    in_round, (one, two, three, _), people = setting()
    make.assignment(one, people[0])
    make.assignment(two, people[0])
    make.assignment(three, people[0])
    content = filled(
        in_round,
        {
            (one.city.code, "R2"): "rev1[B；A]",
            (two.city.code, "R1"): "rev2",
            (three.city.code, "R1"): "【清空】",
            (three.city.code, "R3"): "rev0",
        },
    )
    facts = facts_of(in_round)
    check = read_assignment(content, facts)
    assert check.problems == []
    assert [change.outcome for change in check.changes] == ["新增", "更换", "取消", "新增"]
    done = planning.apply_changes(
        round_=in_round, changes=check.changes, seen=state_digest(facts), by=administrator
    )
    assert done == 4
    now = ReviewAssignment.objects.values_list("submission_id", "seat", "reviewer__username", "dimensions")
    assert sorted(now) == sorted(
        [
            (one.pk, 1, "rev0", []),
            (one.pk, 2, "rev1", ["A", "B"]),
            (two.pk, 1, "rev2", []),
            (three.pk, 3, "rev0", []),
        ]
    )


def test_a_bad_workbook_is_told_cell_by_cell_and_nothing_is_written(client, administrator):
    in_round, (one, two, three, four), people = setting()
    profile(people[3], administrator, city=four.city)
    profile(people[2], administrator, most_cities=1)
    task = make.assignment(make.handed_in(make.city(name_zh="市9"), in_round), people[0])
    make.mark(task, "A1")
    content = filled(
        in_round,
        {
            (one.city.code, "R1"): "nobody",
            (two.city.code, "R1"): "rev1",
            (two.city.code, "R2"): "rev1",
            (three.city.code, "R1"): "rev1[Z]",
            (four.city.code, "R1"): "rev3",
            (one.city.code, "R2"): "rev2",
            (three.city.code, "R2"): "rev2",
            (task.submission.city.code, "R1"): "rev1",
        },
    )
    client.force_login(administrator)
    response = client.post(
        f"/manage/rounds/{in_round.code}/assignment/upload/", {"file": io.BytesIO(content)}
    )
    text = response.content.decode()
    assert response.status_code == 422
    for words in (
        "第 2 行“R1”：“nobody”不是评审专家的用户名", "第 3 行“R2”：“rev1”已在 市1的席位 R1", "没有维度“Z”",
        "应当回避市3（本市人员）", "共 2 个城市，超过负荷上限 1", "原有专家 rev0 已有评分或提问",
    ):  # fmt: skip
        assert words in text
    assert ReviewAssignment.objects.count() == 1


def test_an_upload_is_confirmed_once_and_only_on_the_state_it_was_checked_against(client, administrator):
    in_round, (one, two, *_), people = setting()
    client.force_login(administrator)
    content = filled(in_round, {(one.city.code, "R1"): "rev1"})
    page = client.post(f"/manage/rounds/{in_round.code}/assignment/upload/", {"file": io.BytesIO(content)})
    assert page.status_code == 200
    assert not ReviewAssignment.objects.exists()
    confirm = f"/manage/rounds/{in_round.code}/assignment/upload/confirm/"
    signed = page.context["signed"]
    assert client.post(confirm, {"signed": signed + "x"}).status_code == 409
    make.assignment(two, people[2])
    assert "检查之后分配有了变化" in client.post(confirm, {"signed": signed}).content.decode()
    page = client.post(f"/manage/rounds/{in_round.code}/assignment/upload/", {"file": io.BytesIO(content)})
    assert client.post(confirm, {"signed": page.context["signed"]}).status_code == 302
    assert client.post(confirm, {"signed": page.context["signed"]}).status_code == 409
    assert ReviewAssignment.objects.count() == 2


def test_a_file_that_is_no_assignment_is_refused_in_words(client, administrator):
    in_round, _, _ = setting()
    client.force_login(administrator)
    response = client.post(
        f"/manage/rounds/{in_round.code}/assignment/upload/", {"file": io.BytesIO(b"hello")}
    )
    assert response.status_code == 422


def test_suggestions_leave_out_who_is_full(administrator):
    in_round, (one, two, *_), people = setting(people=2)
    profile(people[0], administrator, most_cities=1)
    make.assignment(two, people[0])
    assert [person.user for person, _ in assigning.suggestions(facts_of(in_round), one)] == [people[1]]
