"""Every page that somebody may open has a link that leads there, and no link leads to a page that is not there."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from accounts.notices import KIND_WORDS
from scoring.actions.compute import compute_round
from scoring.actions.publishing import finalise_result, publish_results
from tests import make
from tests.scoring.test_appeals import released
from tests.scoring.test_moderation import panel

pytestmark = pytest.mark.django_db


def shown(client, user, url, status=200):
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == status, (url, response.status_code)
    return response.content.decode()


def finalised(submission, admin):
    snapshot = compute_round(round=submission.round, by=admin, draws=0)
    return finalise_result(snapshot=snapshot, reason="评审会议定稿", by=admin)


def test_visits_and_cases_are_linked_for_each_who_may_open_them(client):
    submission = panel({}, {})
    reviewer = submission.assignments.first().reviewer
    code = submission.round.code
    starts = {
        reverse("review:index"): reviewer,
        reverse("moderation:index"): make.user("moderator"),
        reverse("manage:round", args=[code]): make.user("administrator"),
    }
    for start, user in starts.items():
        html = shown(client, user, start)
        for url in ("/visits/", f"/cases/{code}/"):
            assert f'href="{url}"' in html, (start, url)
            shown(client, user, url)


def test_agreement_is_a_tab_for_those_who_may_see_it_and_for_nobody_else(client):
    submission = panel({}, {})
    lead, admin = make.member(submission.city), make.user("administrator")
    reviewer = submission.assignments.first().reviewer
    publish_results(snapshot=finalised(submission, admin), audience="participants", by=admin)
    code = submission.round.code
    overview, agreement = (reverse(f"results:{name}", args=[code]) for name in ("overview", "agreement"))
    for user in (admin, make.user("moderator"), reviewer):
        assert f'href="{agreement}"' in shown(client, user, overview)
        shown(client, user, agreement)
    assert agreement not in shown(client, lead, overview)
    shown(client, lead, agreement, 404)


def test_a_moderator_comes_from_a_cell_to_the_return_page_while_it_may_be_returned(client):
    submission = panel({"A2": 90}, {"A2": 40})
    moderator, admin = make.user("moderator"), make.user("administrator")
    cell = reverse("moderation:cell", args=[submission.round.code, submission.pk, "A2"])
    back = reverse("manage:return", args=[submission.round.code, submission.pk])
    assert back in shown(client, moderator, cell)
    page = shown(client, moderator, back)
    assert reverse("moderation:queue", args=[submission.round.code]) in page
    other = panel({}, {})
    cell = reverse("moderation:cell", args=[other.round.code, other.pk, "A2"])
    finalised(other, admin)
    assert reverse("manage:return", args=[other.round.code, other.pk]) not in shown(client, moderator, cell)


def test_a_city_finalised_without_a_provisional_result_is_not_offered_one(client):
    submission, admin = panel({}, {}), make.user("administrator")
    lead = make.member(submission.city)
    finalised(submission, admin)
    provisional = reverse("appeals:result", args=[submission.pk])
    for page in ("submission:tasks", "appeals:trail"):
        assert provisional not in shown(client, lead, reverse(page, args=[submission.pk]))
    shown(client, lead, provisional, 404)


def test_a_city_that_was_told_its_result_finds_it(client):
    submission, lead = released()
    provisional = reverse("appeals:result", args=[submission.pk])
    for page in ("submission:tasks", "appeals:trail"):
        assert provisional in shown(client, lead, reverse(page, args=[submission.pk]))
    shown(client, lead, provisional)


def test_a_round_offers_to_send_the_result_until_it_is_finalised(client):
    submission, admin = panel({}, {}), make.user("administrator")
    page = reverse("manage:round", args=[submission.round.code])
    snapshot = compute_round(round=submission.round, by=admin, draws=0)
    send = reverse("moderation:release", args=[submission.round.code, snapshot.pk])
    assert send in shown(client, admin, page)
    finalise_result(snapshot=snapshot, reason="评审会议定稿", by=admin)
    assert "/release/" not in shown(client, admin, page)
    compute_round(round=submission.round, by=admin, draws=0, reason="更正")  # nobody is left to be told
    assert "/release/" not in shown(client, admin, page)


def test_every_kind_of_notice_has_words():
    """The kinds that the code gives: `notify(kind="…")`, and the two reminders that pass theirs on."""
    kinds = {"remind_review", "remind_city"}
    for room in ("accounts", "cities", "indicators", "scoring"):
        for file in (Path(settings.BASE_DIR) / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "notify":
                    kinds |= {
                        word.value.value
                        for word in node.keywords
                        if word.arg == "kind" and isinstance(word.value, ast.Constant)
                    }
    assert len(kinds) > 15
    assert kinds <= set(KIND_WORDS), kinds - set(KIND_WORDS)


def test_progress_offers_a_return_only_while_it_is_possible(client):
    submission, admin = panel({}, {}), make.user("administrator")
    page = reverse("manage:progress", args=[submission.round.code])
    back = reverse("manage:return", args=[submission.round.code, submission.pk])
    assert back in shown(client, admin, page)
    finalised(submission, admin)
    assert back not in shown(client, admin, page)


def test_a_case_that_was_not_written_is_not_to_be_recommended(client):
    submission = panel({}, {})
    reviewer = submission.assignments.first().reviewer
    page = reverse("cases:case", args=[submission.round.code, submission.pk])
    assert "/recommend/" not in shown(client, reviewer, page)
