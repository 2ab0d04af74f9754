"""Every address for every role. A new address without a row here fails `test_the_table_names_every_address`."""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from cities import actions as city_actions
from scoring.actions.compute import compute_round
from scoring.actions.review import publish_results
from tests import make

pytestmark = pytest.mark.django_db

LOGIN = "login"  # sent to sign in
ROLES = ("anonymous", "outsider", "staff", "reviewer", "administrator")
ADMIN_ONLY = (LOGIN, 404, 404, 404, 200)

#: route -> what a GET answers per role, in the order of ROLES. `staff` leads city `a`, which is filling in;
#: `reviewer` reviews city `b`, which has handed in. `outsider` is staff of a city that takes part in nothing.
TABLE: dict[str, tuple] = {
    "": (200, 200, 302, 302, 302),  # the home of each role
    "help/": (200,) * 5,
    "health": (200,) * 5,
    "ready": (200,) * 5,
    "csp": (405,) * 5,  # POST only
    "i18n/setlang/": (302,) * 5,
    "account/login/": (200, 302, 302, 302, 302),
    "account/logout/": (LOGIN, 405, 405, 405, 405),
    "account/password/": (LOGIN, 200, 200, 200, 200),
    "framework/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/export/": (LOGIN, 200, 200, 200, 200),
    "framework/{draft}/1/": ADMIN_ONLY,
    "s/{a}/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/i/A1/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/i/A/": (LOGIN, 404, 404, 404, 404),  # no leaf
    "s/{a}/i/A1/history/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/{evidence_a}/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/{evidence_a}/delete/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/check/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/submit/": (LOGIN, 404, 302, 404, 403),  # not complete: to the check
    "s/{a}/receipt/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/i/A1/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/evidence/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/evidence/{evidence_b}/": (LOGIN, 404, 404, 200, 200),
    "s/{a}/evidence/{evidence_b}/": (
        LOGIN,
        404,
        404,
        404,
        404,
    ),  # another city's file under one's own address
    "s/{b}/receipt/": (LOGIN, 404, 404, 200, 200),
    "review/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/i/A1/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/finish/": (LOGIN, 404, 404, 200, 404),
    "review/{other_assignment}/i/A1/": (LOGIN, 404, 404, 404, 404),  # another reviewer's
    "results/": (200,) * 5,
    "results/{hidden}/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/": ADMIN_ONLY,
    "results/{hidden}/i/A1/": ADMIN_ONLY,
    "results/{hidden}/compare/": ADMIN_ONLY,
    "results/{hidden}/method/": ADMIN_ONLY,
    "results/{hidden}/export/": ADMIN_ONLY,
    "results/{open}/": (200,) * 5,
    "results/{open}/city/{city_open}/": (200,) * 5,
    "results/{open}/i/A1/": (200,) * 5,
    "results/{open}/compare/": (200,) * 5,
    "results/{open}/method/": (200,) * 5,
    "results/{open}/export/": (LOGIN, 403, 403, 403, 200),  # who may read the pages knows that it is there
    "manage/rounds/": ADMIN_ONLY,
    "manage/rounds/new/": ADMIN_ONLY,
    "manage/rounds/{hidden}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/enrol/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/assign/{b}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/compute/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/publish/": ADMIN_ONLY,
    "manage/audit/": ADMIN_ONLY,
    "admin/": (302, 404, 404, 404, 200),  # on to the one sign-in page
}


@pytest.fixture
def world():
    """Two cities in a round with hidden results, one in a round with published ones, and a person per role."""
    hidden = make.round_()
    a, b = make.submission(in_round=hidden), make.submission(in_round=hidden)
    leads = {one.pk: make.member(one.city) for one in (a, b)}
    leaf = hidden.framework.indicators.get(code="A1")
    files = {
        one.pk: city_actions.add_evidence(submission=one, indicator=leaf, upload=make.pdf(), by=leads[one.pk])
        for one in (a, b)
    }
    for code in ("A1", "A2", "B1"):
        make.answer(b, code)
    city_actions.hand_in(submission=b, by=leads[b.pk])
    task, other = make.assignment(b), make.assignment(b)
    compute_round(round=hidden, by=None, draws=0)
    shown = make.round_()
    published = make.confirmed(make.handed_in(in_round=shown))
    compute_round(round=shown, by=None, draws=0)
    publish_results(round_=shown, by=make.user("administrator"))
    return {
        "people": {
            "anonymous": None,
            "outsider": make.member(make.city()),
            "staff": leads[a.pk],
            "reviewer": task.reviewer,
            "administrator": make.user("administrator"),
        },
        "names": {
            "framework": hidden.framework.code, "draft": make.framework(published=False).code, "a": a.pk, "b": b.pk,
            "evidence_a": files[a.pk].pk, "evidence_b": files[b.pk].pk, "assignment": task.pk,
            "other_assignment": other.pk, "hidden": hidden.code, "open": shown.code, "city_b": b.city.code,
            "city_open": published.city.code,
        },
    }  # fmt: skip


def _routes(patterns, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            found |= _routes(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern | URLResolver)
            found.add(re.sub(r"<[^>]*>", "{}", route))
    return found


def test_the_table_names_every_address():
    rows = {re.sub(r"\{\w+\}", "{}", route) for route in TABLE}
    missing = []
    for route in _routes(get_resolver().url_patterns):
        shape = re.compile(re.escape(route).replace(r"\{\}", r"[^/]+") + "$")
        if not any(shape.match(row) for row in rows):
            missing.append(route)
    assert not missing


@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_each_role_as_the_table_says(client, world, role):
    person = world["people"][role]
    if person is not None:
        client.force_login(person)
    wrong = {}
    for route, answers in TABLE.items():
        expected = answers[ROLES.index(role)]
        response = client.get("/" + route.format(**world["names"]))
        actual = response.status_code
        if actual == 302 and response["Location"].startswith("/account/login/"):
            actual = LOGIN
        if actual != expected:
            wrong[route] = f"{actual}, not {expected}"
        if response.streaming:
            b"".join(response.streaming_content)
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
def test_only_those_in_charge_can_write(client, world, role):
    """Each POST by somebody who may not: refused, and never half done."""
    person = world["people"][role]
    if person is not None:
        client.force_login(person)
    names = world["names"]
    allowed = {
        "s/{a}/i/A1/": "staff",
        "review/{assignment}/i/A1/": "reviewer",
        "manage/rounds/new/": "administrator",
        "manage/rounds/{hidden}/enrol/": "administrator",
        "manage/rounds/{hidden}/assign/{b}/": "administrator",
        "manage/rounds/{hidden}/compute/": "administrator",
    }
    for route, who in allowed.items():
        response = client.post("/" + route.format(**names), {})
        if role == who:
            assert response.status_code in (200, 302, 422), route
        elif role == "anonymous":
            assert response["Location"].startswith("/account/login/"), route
        else:
            assert response.status_code in (403, 404), route


def test_a_part_of_a_page_asked_for_after_sign_out_gets_401_and_no_form(client, world):
    response = client.get(f"/s/{world['names']['a']}/", headers={"HX-Request": "true"})
    assert (response.status_code, "<form" in response.content.decode()) == (401, False)
