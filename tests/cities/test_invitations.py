"""One-time links: who gets in by one, once, and what the lead changes of members."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Notice, User
from cities import actions
from cities.models import Department, Invitation, Membership
from tests import make

pytestmark = pytest.mark.django_db
ACCOUNT = {
    "display_name": "李明",
    "username": "liming",
    "password": "baihe-tushu-2026",
    "again": "baihe-tushu-2026",
}


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def department(submission):
    return Department.objects.create(city=submission.city, name="教育局")


def invite(client, submission, lead, **data) -> str:
    """Make a link on the page as the lead would; its path."""
    client.force_login(lead)
    page = client.get(f"/s/{submission.pk}/members/").content.decode()
    nonce = re.search(r'name="nonce" value="(\w+)"', page)[1]
    data = {"nonce": nonce, "role": "editor", **data}
    page = client.post(f"/s/{submission.pk}/members/", data).content.decode()
    client.logout()
    return re.search(r"/join/\w+/", page)[0]


def test_a_new_account_joins_by_the_link_once(client, submission, lead, department):
    path = invite(client, submission, lead, department=department.pk, display_name="李明")
    assert 'value="李明"' in client.get(path).content.decode()
    response = client.post(path, ACCOUNT)
    assert response.status_code == 302
    person = User.objects.get(username="liming")
    membership = Membership.objects.get(user=person)
    assert (membership.city, membership.department, membership.role) == (
        submission.city,
        department,
        "editor",
    )
    assert (person.role, person.check_password(ACCOUNT["password"])) == ("city", True)
    assert client.get("/").status_code == 302, "signed in, and sent to the city's list"
    assert Notice.objects.get(user=lead).text == f"李明已接受邀请，加入{submission.city}教育局。"
    client.logout()
    second = client.post(path, {**ACCOUNT, "username": "another"})
    assert (second.status_code, "只能用一次" in second.content.decode()) == (410, True)
    assert not User.objects.filter(username="another").exists()


def test_only_the_digest_is_stored(client, submission, lead):
    token = invite(client, submission, lead).split("/")[2]
    stored = Invitation.objects.values().get()
    assert token not in str(stored)
    assert token not in str(list(AuditEntry.objects.values()))
    assert len(stored["token_sha256"]) == 64


def test_pressing_twice_makes_one_invitation_and_the_list_shows_no_link(client, submission, lead):
    client.force_login(lead)
    data = {"nonce": "n" * 32, "role": "editor", "display_name": "李明"}
    pages = [client.post(f"/s/{submission.pk}/members/", data).content.decode() for _click in range(2)]
    assert len({re.search(r"/join/\w+/", page)[0] for page in pages}) == 1
    assert Invitation.objects.count() == 1
    assert "/join/" not in client.get(f"/s/{submission.pk}/members/").content.decode()


def test_somebody_with_an_account_joins_signed_in(client, submission, lead, department):
    path = invite(client, submission, lead, department=department.pk)
    person = make.member(make.city(), "editor")
    client.force_login(person)
    assert f"以 {person.display_name} 的身份加入" in client.get(path).content.decode()
    for _click in range(2):
        assert client.post(path).status_code == 302
    assert Membership.objects.filter(user=person, city=submission.city, department=department).count() == 1
    assert client.get(f"/s/{submission.pk}/").status_code == 200


@pytest.mark.parametrize("role", ["reviewer", "moderator", "administrator"])
def test_reviewers_and_administrators_do_not_become_city_staff(client, submission, lead, role):
    path = invite(client, submission, lead)
    person = make.user(role)
    client.force_login(person)
    response = client.post(path)
    assert (response.status_code, "不能加入城市" in response.content.decode()) == (422, True)
    assert not Membership.objects.filter(user=person).exists()
    assert Invitation.objects.get().used_at is None, "the link stays good for whom it was meant"


def test_a_member_already_does_not_use_the_link_up(client, submission, lead):
    path = invite(client, submission, lead)
    client.force_login(lead)
    assert client.post(path).status_code == 422
    assert Membership.objects.get(user=lead).role == "lead"
    assert Invitation.objects.get().used_at is None


def test_an_expired_or_withdrawn_link_opens_nothing(client, submission, lead):
    expired = invite(client, submission, lead)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(expired).status_code == 410
    assert client.post(expired, ACCOUNT).status_code == 410
    withdrawn = invite(client, submission, lead)
    fresh = Invitation.objects.get(expires_at__gt=timezone.now())
    assert timedelta(days=13, hours=23) < fresh.expires_at - timezone.now() <= timedelta(days=14)
    client.force_login(lead)
    client.post(f"/s/{submission.pk}/invitations/{fresh.pk}/withdraw/")
    client.logout()
    response = client.post(withdrawn, ACCOUNT)
    assert (response.status_code, "已被撤回" in response.content.decode()) == (410, True)
    assert not User.objects.filter(username="liming").exists()
    assert client.get("/join/0123456789abcdef/").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "123456", "again": "123456"}, "密码"),
        ({"again": "something-else-9"}, "两次输入的密码不一致。"),
        ({"username": "空 格"}, "用户名只能用汉字、字母、数字和 @ . + - _。"),
        ({"username": "TAKEN"}, "这个用户名已有人使用，请换一个。"),
        ({"display_name": ""}, "请填写姓名。"),
    ],
)
def test_a_refused_account_keeps_what_was_typed_and_the_link(client, submission, lead, change, words):
    make.user(username="taken")
    path = invite(client, submission, lead)
    response = client.post(path, {**ACCOUNT, **change})
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "<title>错误：" in page
    assert ACCOUNT["password"] not in page
    assert f'value="{change.get("username", "liming")}"' in page
    assert Invitation.objects.get().used_at is None


def test_the_lead_moves_and_removes_members_and_it_is_recorded(client, submission, lead, department):
    person = make.member(submission.city, "editor")
    membership = Membership.objects.get(user=person)
    leaf = submission.round.framework.indicators.get(code="A1")
    actions.divide(submission=submission, changes={leaf.pk: actions.Change(person=person.pk)}, by=lead)
    client.force_login(lead)
    base = f"/s/{submission.pk}/members/{membership.pk}/"
    client.post(base, {"department": department.pk})
    membership.refresh_from_db()
    assert membership.department == department
    elsewhere = Department.objects.create(city=make.city(), name="外市")
    assert client.post(base, {"department": elsewhere.pk}).status_code == 404
    assert "1 项指标" in client.get(f"{base}remove/").content.decode()
    assert Membership.objects.filter(pk=membership.pk).exists(), "looking removes nobody"
    client.post(f"{base}remove/")
    assert not Membership.objects.filter(pk=membership.pk).exists()
    assert submission.answers.get(indicator=leaf).responsibility.person is None
    recorded = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"move_member", "remove_member"} <= recorded
    client.force_login(person)
    assert client.get(f"/s/{submission.pk}/").status_code == 404


def test_a_lead_is_not_removed_and_other_cities_members_are_not_reached(client, submission, lead):
    client.force_login(lead)
    own = Membership.objects.get(user=lead)
    response = client.post(f"/s/{submission.pk}/members/{own.pk}/remove/")
    assert (response.status_code, "由管理员移出" in response.content.decode()) == (409, True)
    other = Membership.objects.get(user=make.member(make.city(), "editor"))
    for path in ("", "remove/"):
        assert client.post(f"/s/{submission.pk}/members/{other.pk}/{path}").status_code == 404
    assert Membership.objects.filter(pk__in=[own.pk, other.pk]).count() == 2


def test_an_editor_invites_nobody(client, submission):
    client.force_login(make.member(submission.city, "editor"))
    data = {"nonce": "n" * 32, "role": "lead"}
    assert client.post(f"/s/{submission.pk}/members/", data).status_code == 403
    assert not Invitation.objects.exists()


# --- a link lends no right that its maker has lost ---------------------------------------------------------------


@pytest.mark.parametrize("lost", ["inactive", "no_lead", "gone"])
def test_a_link_opens_nothing_once_its_maker_leads_the_city_no_longer(client, submission, lead, lost):
    path = invite(client, submission, lead)
    if lost == "inactive":
        User.objects.filter(pk=lead.pk).update(is_active=False)
    elif lost == "no_lead":
        Membership.objects.filter(user=lead).update(role="editor")
    else:
        Membership.objects.filter(user=lead).delete()
    assert "已不再牵头" in client.get(path).content.decode()
    assert client.post(path, ACCOUNT).status_code == 410
    assert not User.objects.filter(username="liming").exists()


def test_removing_a_member_withdraws_what_they_had_sent_out(client, submission, lead):
    path = invite(client, submission, lead)
    membership = Membership.objects.get(user=lead)
    membership.role = "editor"
    membership.save()
    actions.remove_member(membership=membership, by=make.member(submission.city))
    assert Invitation.objects.get().withdrawn_at is not None
    assert client.get(path).status_code == 410


def test_the_same_form_sent_elsewhere_or_for_something_else_makes_another_link(
    client, submission, lead, department
):
    other = make.submission()
    Membership.objects.create(user=lead, city=other.city, role="lead")
    client.force_login(lead)
    links = set()
    for place, data in ((submission, {}), (other, {}), (submission, {"department": department.pk})):
        page = client.post(f"/s/{place.pk}/members/", {"nonce": "n" * 32, "role": "editor", **data})
        links.add(re.search(r"/join/\w+/", page.content.decode())[0])
    assert len(links) == 3
    assert Invitation.objects.filter(city=other.city).count() == 1


@pytest.mark.parametrize("number", ["9" * 25, "9" * 5000, "x", "²"])
def test_a_crafted_department_is_not_found(client, submission, lead, number):
    person = Membership.objects.get(user=make.member(submission.city, "editor"))
    client.force_login(lead)
    path = f"/s/{submission.pk}/members/{person.pk}/"
    assert client.post(path, {"department": number}).status_code == 404
