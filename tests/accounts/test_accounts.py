"""Signing in and out, being locked out, and what every answer carries."""

import pytest
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEntry, User
from tests import make

pytestmark = pytest.mark.django_db


def sign_in(client, person, password=make.PASSWORD, **data):
    return client.post("/account/login/", {"username": person.username, "password": password, **data})


@pytest.mark.parametrize(
    ("role", "home"),
    [("administrator", "/manage/rounds/"), ("reviewer", "/review/"), ("moderator", "/moderation/")],
)
def test_signing_in_leads_to_the_home_of_the_role(client, role, home):
    response = client.post(
        "/account/login/", {"username": make.user(role).username, "password": make.PASSWORD}, follow=True
    )
    assert response.redirect_chain[-1][0] == home


def test_a_city_with_one_submission_goes_straight_to_it(client):
    submission = make.submission()
    sign_in(client, make.member(submission.city))
    assert client.get("/").url == f"/s/{submission.pk}/"


def test_staff_of_a_city_without_a_round_read_why_there_is_nothing(client):
    sign_in(client, make.member(make.city()))
    assert "您所在的城市目前没有参加任何轮次。" in client.get("/").content.decode()


def test_a_wrong_password_keeps_the_name_and_says_so(client):
    person = make.user()
    page = sign_in(client, person, "wrong").content.decode()
    assert f'value="{person.username}"' in page
    assert "error-summary" in page


def test_after_too_many_wrong_passwords_even_the_right_one_waits(client, settings):
    settings.AXES_ENABLED = True
    person = make.user()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, person, "wrong")
    response = sign_in(client, person)
    assert response.status_code == 429
    assert "密码输错次数过多。请 15 分钟后再试" in response.content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_host(client, target):
    assert sign_in(client, make.user("reviewer"), next=target).url == "/"


def test_signing_out_takes_a_post_and_ends_the_session(client):
    client.force_login(make.user("reviewer"))
    assert client.get("/account/logout/").status_code == 405
    client.post("/account/logout/")
    assert client.get("/review/").url.startswith("/account/login/")


def test_changing_the_password_takes_the_old_one_and_a_good_new_one(client):
    person = make.user("reviewer")
    client.force_login(person)
    new = {"new_password1": "一串很长的新密码2026", "new_password2": "一串很长的新密码2026"}
    assert client.post("/account/password/", {"old_password": "wrong", **new}).status_code == 200
    assert client.post("/account/password/", {"old_password": make.PASSWORD, **new}).status_code == 302
    person.refresh_from_db()
    assert person.check_password("一串很长的新密码2026")


def test_a_switched_off_account_sees_nothing_more(client):
    person = make.user("administrator")
    client.force_login(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert client.get("/manage/rounds/").url.startswith("/account/login/")


def test_an_administrator_makes_an_account_in_the_back_office_and_the_log_says_so(client):
    client.force_login(make.user("administrator"))
    data = {"username": "lihua", "display_name": "李华", "role": "reviewer", "usable_password": "true",
            "password1": "一串很长的新密码2026", "password2": "一串很长的新密码2026"}  # fmt: skip
    response = client.post(reverse("admin:accounts_user_add"), data)
    assert response.status_code == 302, response.content.decode()
    assert User.objects.get(username="lihua").is_reviewer
    assert AuditEntry.objects.filter(action="change_user", target="lihua").exists()


def test_the_log_can_be_read_in_the_back_office_and_not_written(client):
    client.force_login(make.user("administrator"))
    entry = audit.record(actor=None, action="试验", target="对象")
    assert client.get(reverse("admin:accounts_auditentry_changelist")).status_code == 200
    assert client.get(reverse("admin:accounts_auditentry_add")).status_code == 403
    assert (
        client.post(reverse("admin:accounts_auditentry_delete", args=[entry.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_every_answer_carries_the_policy_and_the_headers(client):
    headers = client.get("/account/login/").headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_missing_page_and_a_forbidden_one_say_what_to_do(client):
    missing = client.get("/nowhere/")
    assert (missing.status_code, "<title>错误：" in missing.content.decode()) == (404, True)
    submission = make.submission()
    client.force_login(make.member(submission.city, "editor"))
    forbidden = client.get(f"/s/{submission.pk}/submit/")
    assert (forbidden.status_code, "<title>错误：" in forbidden.content.decode()) == (403, True)


def test_a_superuser_does_not_skip_the_phase_of_a_submission():
    submission = make.handed_in()
    root = make.user("administrator", is_superuser=True, is_staff=True)
    assert not root.has_perm("cities.fill_in_submission", submission)
    assert root.has_perm("cities.read_submission", submission)
