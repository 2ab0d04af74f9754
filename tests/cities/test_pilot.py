"""A pilot round on a draft edition: possible, marked as a pilot everywhere, and losing no answer."""

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError
from django.urls import reverse

from cities import actions
from cities.models import Answer, Round
from indicators.models import Indicator
from scoring.actions.compute import compute_round
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def draft():
    return make.framework(published=False)


def pilot_on(framework, **options) -> Round:
    options = {"code": "pilot", "name": "首轮试运行", "year": 2025, "by": None, "is_pilot": True, **options}
    return actions.open_round(framework=framework, **options)


@pytest.fixture
def pilot(draft):
    """A pilot on a draft with a city that has handed in, reviewed and computed."""
    made = pilot_on(draft)
    submission = make.confirmed(make.handed_in(in_round=made))
    compute_round(round=made, by=None, draws=10)
    return submission


# --- opening -------------------------------------------------------------------------------------------------


def test_a_draft_serves_a_pilot_and_no_other_round(draft):
    with pytest.raises(actions.ActionRefused, match="建立试点轮次"):
        pilot_on(draft, is_pilot=False)
    made = pilot_on(draft)
    assert made.is_pilot
    assert made.marks == ["试点"]


def test_a_draft_that_cannot_be_scored_serves_no_pilot(draft):
    draft.indicators.filter(code__in=["A", "B"]).update(points=None)
    draft.indicators.filter(code="A").update(points=Decimal(0))
    with pytest.raises(actions.ActionRefused, match="还不能计分"):
        pilot_on(draft)


def test_a_published_edition_serves_a_pilot_too():
    assert pilot_on(make.framework()).is_pilot


def test_the_command_opens_a_pilot(draft, capsys):
    arguments = ["open_round", "p1", "--framework", draft.code, "--edition", "1", "--year", "2025"]
    with pytest.raises((CommandError, SystemExit)):
        call_command(*arguments)
    assert not Round.objects.exists()
    call_command(*arguments, "--pilot")
    assert Round.objects.get().is_pilot
    assert "试点轮次" in capsys.readouterr().out


def test_the_form_opens_a_pilot(client, administrator, draft):
    client.force_login(administrator)
    typed = {
        "code": "p1", "name": "试点", "framework": draft.pk, "year": 2025, "missing": "zero", "panel": "mean",
        "unreviewed": "block",
    }  # fmt: skip
    refused = client.post(reverse("manage:round_new"), typed)
    assert refused.status_code == 422
    assert "建立试点轮次" in refused.content.decode()
    assert client.post(reverse("manage:round_new"), {**typed, "is_pilot": "on"}).status_code == 302
    assert Round.objects.get().is_pilot


# --- marked everywhere ---------------------------------------------------------------------------------------

MARK = "试点轮次——使用尚未发布的指标体系草案"


def test_every_page_of_the_round_says_that_it_is_a_pilot(client, administrator, pilot):
    round_ = pilot.round
    lead = make.member(pilot.city)
    task = pilot.assignments.first()
    city = pilot.city.code
    pages = {
        lead: [f"/s/{pilot.pk}/", f"/s/{pilot.pk}/i/A1/", f"/s/{pilot.pk}/evidence/", f"/s/{pilot.pk}/check/",
               f"/s/{pilot.pk}/receipt/"],
        task.reviewer: [f"/review/{task.pk}/i/A1/"],
        administrator: [f"/results/{round_.code}/", f"/results/{round_.code}/city/{city}/",
                        f"/results/{round_.code}/i/A1/", f"/results/{round_.code}/compare/",
                        f"/results/{round_.code}/method/", f"/manage/rounds/{round_.code}/",
                        f"/manage/rounds/{round_.code}/publish/{round_.snapshots.first().pk}/"],
    }  # fmt: skip
    for person, addresses in pages.items():
        client.force_login(person)
        for address in addresses:
            response = client.get(address, follow=True)
            assert response.status_code == 200, address
            assert MARK in response.content.decode(), address


def test_lists_of_rounds_say_it_too(client, administrator, pilot):
    make.published(snapshot=pilot.round.snapshots.first(), by=administrator)
    for person, address in (
        (make.member(pilot.city), "/"),
        (pilot.assignments.first().reviewer, "/review/"),
        (administrator, "/manage/rounds/"),
        (administrator, "/results/"),
        (None, "/"),
    ):
        client.logout()
        if person:
            client.force_login(person)
        assert "试点" in client.get(address, follow=True).content.decode(), address


def test_a_proper_round_is_not_marked(client, administrator):
    submission = make.confirmed(make.handed_in())
    compute_round(round=submission.round, by=None, draws=0)
    client.force_login(administrator)
    for name in ("overview", "method"):
        assert (
            "试点"
            not in client.get(reverse(f"results:{name}", args=[submission.round.code])).content.decode()
        )


def test_charts_and_their_files_are_marked(client, administrator, pilot):
    client.force_login(administrator)
    page = client.get(reverse("results:overview", args=[pilot.round.code]))
    figures = page.context["figures"]
    assert figures
    for figure in figures.values():
        if figure.get("data"):
            assert "试点" in figure["title"]
            assert any(one["text"] == "试点" for one in figure["data"]["layout"]["annotations"])
    name = next(iter(figures))
    downloaded = client.get(reverse("results:overview", args=[pilot.round.code]) + f"?csv={name}")
    assert "%E8%AF%95%E7%82%B9" in downloaded["Content-Disposition"]
    assert list(csv.reader(io.StringIO(downloaded.content.decode("utf-8-sig"))))


def test_the_exported_workbook_says_it_and_which_state_of_the_draft(tmp_path, pilot):
    path = tmp_path / "out.xlsx"
    call_command("export_results", pilot.round.code, str(path))
    book = openpyxl.load_workbook(path)
    assert book.properties.keywords == "试点"
    assert all("试点" in (sheet.oddHeader.left.text or "") for sheet in book)
    method = {row[0].value: [cell.value for cell in row] for row in book["方法"]}
    assert method["轮次性质"][1] == "试点"
    snapshot = pilot.round.snapshots.get()
    assert snapshot.method["edition"]["sha256"][:12] in method["轮次性质"][2]


def test_results_say_on_which_state_of_the_draft_they_stand(client, administrator, draft, pilot):
    client.force_login(administrator)
    address = reverse("results:overview", args=[pilot.round.code])
    first = pilot.round.snapshots.first().method["edition"]["sha256"][:12]
    assert first in client.get(address).content.decode()
    draft.indicators.filter(code="A1").update(curve="0:0|100:100")
    compute_round(round=pilot.round, by=None, draws=0)
    second = pilot.round.snapshots.first().method["edition"]["sha256"][:12]
    assert first != second
    assert second in client.get(address).content.decode()


# --- the draft goes on -----------------------------------------------------------------------------------------


def test_a_leaf_with_answers_cannot_be_deleted(draft):
    make.submission(in_round=pilot_on(draft))
    with pytest.raises(ProtectedError):
        draft.indicators.get(code="A1").delete()


def test_a_leaf_that_the_draft_got_later_can_be_answered_and_nothing_is_lost(client, draft):
    submission = make.submission(in_round=pilot_on(draft))
    make.answer(submission, "A1")
    Indicator.objects.create(
        framework=draft, code="B2", parent=draft.indicators.get(code="B"), position=55, name_zh="新增的指标",
        kind="quantity", curve="0:0|100:100", points=Decimal(10),
    )  # fmt: skip
    client.force_login(make.member(submission.city))
    shown = client.get(f"/s/{submission.pk}/")
    assert shown.status_code == 200
    assert "新增的指标" in shown.content.decode()
    assert client.get(f"/s/{submission.pk}/i/B2/").status_code == 200
    assert submission.answers.get(indicator__code="A1").value == 50
    assert submission.answers.get(indicator__code="B2").value_state == Answer.ValueState.BLANK
    assert actions.complete_pilot(submission=submission) == 0


def test_results_show_the_draft_as_it_was_scored(client, administrator, draft, pilot):
    """A renamed, an added and a regrouped indicator change no page of a snapshot that was computed before."""
    b = draft.indicators.get(code="B")
    Indicator.objects.create(
        framework=draft, code="C", parent=None, position=80, name_zh="后加的维度", points=Decimal(0)
    )
    draft.indicators.filter(code="A1").update(name_zh="后改的名称", parent=b)
    client.force_login(administrator)
    code, city = pilot.round.code, pilot.city.code
    for address in (f"/results/{code}/", f"/results/{code}/city/{city}/", f"/results/{code}/i/A1/",
                    f"/results/{code}/compare/", f"/results/{code}/method/"):  # fmt: skip
        response = client.get(address)
        assert response.status_code == 200, address
        for words in ("后加的维度", "后改的名称"):
            assert words not in response.content.decode(), address
    assert client.get(f"/results/{code}/i/C/").status_code == 404


def test_a_city_goes_on_filling_in_while_the_pilots_draft_cannot_be_scored(client, draft):
    """A draft is under work: its weights may be all zero for a while, and nobody's pages may break over it."""
    made = pilot_on(draft)
    submission = make.submission(in_round=made)
    make.answer(submission, "A1")
    draft.indicators.filter(code__in=["A", "B"]).update(points=Decimal(0))
    client.force_login(make.member(submission.city))
    for page in ("submission:tasks", "submission:check"):
        assert client.get(reverse(page, args=[submission.pk])).status_code == 200
    page = client.get(reverse("submission:answer", args=[submission.pk, "A1"]))
    assert page.status_code == 200
