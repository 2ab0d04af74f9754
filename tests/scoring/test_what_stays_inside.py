"""What must not be read from outside, or by those who have to keep away: unlisted cities, other departments, reasons."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.texts import whole_number
from cities.answers import Content
from cities.models import Department, Membership, Responsibility
from scoring.actions.compute import compute_round
from scoring.models import Mark, Recusal
from scoring.moderation import hidden_from
from scoring.trail import trail_of
from scoring.visibility import view_of
from tests import make

pytestmark = [pytest.mark.django_db]

SAID = "证据不足，酌情降低"
WHY = "内部：某市来电后重算"


@pytest.fixture
def round_():
    """Three reviewed cities: 90, 70 and 40."""
    made = make.round_()
    for name, value in (("甲辰市", "40"), ("乙巳市", "90"), ("丙午市", "70")):
        entry = make.handed_in(
            make.city(name_zh=name), made, contents={"A1": Content("value", value_text=value)}
        )
        make.confirmed(entry)
    Mark.objects.update(reason=SAID)
    return made


def entry_of(round_, name):
    return round_.submissions.select_related("city", "round").get(city__name_zh=name)


def published(round_, **how):
    snapshot = compute_round(round=round_, by=None, draws=20, reason=WHY)
    make.published(snapshot=snapshot, by=make.user("administrator"), **how)
    round_.refresh_from_db()
    return snapshot


def address(round_, rest=""):
    return f"/results/{round_.code}/{rest}"


def test_the_gap_to_an_unlisted_city_is_not_told(client, round_):
    published(round_, unlisted=[entry_of(round_, "丙午市").pk])
    lines = client.get(address(round_, "robust/")).context["lines"]
    first = next(line for line in lines if line["city"].name == "乙巳市")
    assert (first["ahead"], first["gap"], first["shift"], first["dimension"]) == (None, None, None, "")
    client.force_login(make.user("administrator"))
    lines = client.get(address(round_, "robust/")).context["lines"]
    assert next(line for line in lines if line["city"].name == "乙巳市")["gap"] is not None


def test_an_editor_reads_of_the_own_departments_leaves_only(client, round_):
    entry = entry_of(round_, "甲辰市")
    office = Department.objects.create(city=entry.city, name="教育局")
    editor = make.user()
    Membership.objects.create(user=editor, city=entry.city, role=Membership.Role.EDITOR, department=office)
    mine = entry.answers.get(indicator__code="A2")
    Responsibility.objects.update_or_create(answer=mine, defaults={"lead_department": office})
    published(round_, audience="own")
    client.force_login(editor)
    here = f"city/{entry.city.code}/"
    assert SAID in client.get(address(round_, f"{here}why/A2/")).content.decode()
    other = client.get(address(round_, f"{here}why/A1/"))
    assert other.status_code == 200
    assert not other.context["shows_reasons"]
    assert not other.context["may_read"]
    assert SAID not in other.content.decode()
    assert 'id="formula"' not in other.content.decode()
    page = client.get(address(round_, here))
    assert {one.indicator.code for one, _said in page.context["remarks"]} <= {"A2"}
    groups = client.get(address(round_, f"{here}improve/")).context["groups"]
    assert {line.indicator.code for group in groups for line in group.lines} == {"A2"}
    tried = client.get(address(round_, f"{here}what-if/?v-A1=90"))
    assert [line["leaf"].code for line in tried.context["lines"]] == ["A2"]
    assert not tried.context["changed"]


def test_a_moderator_who_has_to_keep_away_reads_nothing_before_publication(client, round_):
    entry, moderator = entry_of(round_, "甲辰市"), make.user("moderator")
    Recusal.objects.create(reviewer=moderator, city=entry.city, round=round_, reason="亲属")
    snapshot = compute_round(round=round_, by=None, draws=20)
    client.force_login(moderator)
    for rest in ("", "why/A1/", "improve/", "what-if/"):
        assert client.get(address(round_, f"city/{entry.city.code}/{rest}")).status_code == 404
    assert entry.city.code.encode() not in client.get(address(round_, "method/inputs.json")).content
    assert "甲辰市" not in client.get(address(round_)).content.decode()
    assert not moderator.has_perm("scoring.see_case", entry)
    assert not moderator.has_perm("scoring.arrange_visits", entry)
    assert not moderator.has_perm("scoring.see_severity", round_)
    make.published(snapshot=snapshot, by=make.user("administrator"))
    round_.refresh_from_db()
    assert view_of(moderator, round_).hidden == frozenset()
    page = client.get(address(round_, f"city/{entry.city.code}/why/A1/"))
    assert page.status_code == 200
    assert SAID not in page.content.decode()


def test_a_moderator_who_still_reviews_reads_no_reasons(client, round_):
    published(round_)
    waiting = make.handed_in(make.city(name_zh="丁未市"), round_)
    moderator = make.user("moderator")
    make.assignment(waiting, moderator)
    client.force_login(moderator)
    code = entry_of(round_, "甲辰市").city.code
    page = client.get(address(round_, f"city/{code}/why/A1/"))
    assert page.status_code == 200
    assert SAID not in page.content.decode()
    assert client.get(address(round_, f"city/{code}/improve/")).status_code == 404


def test_the_reason_for_computing_again_stays_inside(client, round_):
    published(round_)
    entry = entry_of(round_, "甲辰市")
    lead = make.member(entry.city)
    pages = [client.get(address(round_, "method/")), client.get(f"/api/v1/rounds/{round_.code}/method.json")]
    assert [page.status_code for page in pages] == [200, 200]
    assert all(WHY not in page.content.decode() for page in pages)
    assert all(WHY not in one.why for one in trail_of(entry, lead))
    client.force_login(make.user("moderator"))
    assert WHY in client.get(address(round_, "method/")).content.decode()


@pytest.mark.parametrize("text", ["0" * 19 + "9" * 30, "9" * 5000, "1" * 19])
def test_long_numbers_are_refused(client, round_, text):
    published(round_)
    answer = client.get(f"/api/v1/rounds/{round_.code}/cities.json?offset={text}")
    assert answer.status_code == 400
    assert client.get(address(round_, f"?snapshot={text}")).status_code == 404
    client.force_login(make.user("administrator"))
    assert client.get(f"/manage/rounds/{round_.code}/progress/?tab=review&days={text}").status_code == 200
    posted = client.post(f"/manage/rounds/{round_.code}/progress/remind/", {"who": text})
    assert posted.status_code == 302


def test_a_whole_number_is_one_that_a_column_holds():
    given = ["7", "0", "9" * 18, "9" * 19, "-1", "", None, "七", "²"]
    assert [whole_number(one) for one in given] == [7, 0, 10**18 - 1, *[None] * 6]


def test_a_moderator_does_not_rule_on_a_city_that_he_reviewed(round_):
    entry, moderator = entry_of(round_, "甲辰市"), make.user("moderator")
    assert moderator.has_perm("scoring.moderate", entry)
    task = make.assignment(entry, moderator)
    task.status, task.finished_at = "finished", timezone.now()
    task.save()
    assert not moderator.has_perm("scoring.moderate", entry)
    assert moderator.has_perm("scoring.moderate", entry_of(round_, "乙巳市"))
    task.status, task.finished_at = "recused", None
    task.save()
    assert moderator.has_perm("scoring.moderate", entry)
    assert make.user("administrator").has_perm("scoring.moderate", entry)


def test_a_page_is_not_called_unchanged_by_its_date(client, round_):
    published(round_)
    page = client.get(address(round_))
    assert page.headers["ETag"]
    assert "Last-Modified" not in page.headers
    later = (timezone.now() + timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert client.get(address(round_), headers={"if-modified-since": later}).status_code == 200


def test_lists_leave_out_what_a_moderator_keeps_away_from(client, round_):
    kept, judged, moderator = entry_of(round_, "甲辰市"), entry_of(round_, "乙巳市"), make.user("moderator")
    Recusal.objects.create(reviewer=moderator, city=kept.city, round=round_, reason="亲属")
    task = make.assignment(judged, moderator)
    task.status, task.finished_at = "finished", timezone.now()
    task.save()
    assert set(hidden_from(moderator, round_)) == {kept.pk, judged.pk}
    client.force_login(moderator)
    offered = client.get("/visits/").context["submissions"]
    assert {one.pk for one in offered} == set(
        round_.submissions.exclude(pk=kept.pk).values_list("pk", flat=True)
    )
    rows = client.get(f"/cases/{round_.code}/").context["rows"]
    assert kept.pk not in {row.submission.pk for row in rows}
