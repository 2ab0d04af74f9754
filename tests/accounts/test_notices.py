"""Notices in the app, and one e-mail a day at most."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from accounts.digests import send_digests
from accounts.models import Notice, User
from accounts.notices import notify
from cities.models import Department, Membership, Responsibility, Submission
from tests import make

pytestmark = pytest.mark.django_db
BEIJING = ZoneInfo("Asia/Shanghai")
NOON = datetime(2030, 5, 10, 12, tzinfo=BEIJING)
LIST = "/notifications/"


@pytest.fixture
def person():
    return make.user("city", email="zhang@example.org")


def tell(person, number: int = 1, **options):
    notify(
        [person],
        **{
            "kind": "assigned",
            "text": f"第{number}件事",
            "url": "/framework/",
            "key": f"n:{number}",
            **options,
        },
    )


class Flaky(EmailBackend):
    """A mail server that refuses one address."""

    def send_messages(self, messages):
        if any("broken@example.org" in message.to for message in messages):
            raise OSError("mailbox unavailable")
        return super().send_messages(messages)


# --------------------------------------------------------------------------------------------- in the app


def test_the_same_thing_is_told_once(person):
    tell(person)
    tell(person)
    assert Notice.objects.count() == 1


def test_the_list_has_the_own_notices_with_the_unread_first(client, person):
    for number in (1, 2, 3):
        tell(person, number)
    tell(make.user("city"), 4, text="别人的事")
    Notice.objects.filter(key="n:3").update(read_at=timezone.now())
    client.force_login(person)
    shown = client.get(LIST).content.decode()
    assert shown.index("第2件事") < shown.index("第1件事") < shown.index("第3件事")
    assert "别人的事" not in shown
    assert "2 条未读" in shown


def test_opening_a_notice_marks_it_read_and_leads_on(client, person):
    tell(person)
    notice = Notice.objects.get()
    client.force_login(person)
    assert client.post(f"{LIST}{notice.pk}/")["Location"] == "/framework/"
    notice.refresh_from_db()
    assert notice.read_at is not None


@pytest.mark.parametrize("url", ["", "https://evil.example/", "//evil.example/"])
def test_a_notice_leads_nowhere_outside(client, person, url):
    tell(person, url=url)
    client.force_login(person)
    assert client.post(f"{LIST}{Notice.objects.get().pk}/")["Location"] == LIST


def test_marking_all_read_touches_the_own_only(client, person):
    other = make.user("city")
    tell(person)
    tell(other)
    client.force_login(person)
    client.post(f"{LIST}read/")
    assert list(Notice.objects.filter(read_at=None).values_list("user", flat=True)) == [other.pk]
    assert client.post(f"{LIST}{other.notices.get().pk}/").status_code == 404


def test_nothing_is_marked_by_reading_an_address(client, person):
    tell(person)
    client.force_login(person)
    for address in (f"{LIST}{Notice.objects.get().pk}/", f"{LIST}read/", f"{LIST}digest/"):
        assert client.get(address).status_code == 405
    assert Notice.objects.get().read_at is None


def test_the_bell_counts_what_is_unread_on_every_page(client, person):
    client.force_login(person)
    assert 'class="bell-count"' not in client.get("/help/").content.decode()
    for number in (1, 2):
        tell(person, number)
    assert '<span class="bell-count">2<' in client.get("/help/").content.decode()
    client.post(f"{LIST}read/")
    assert 'class="bell-count"' not in client.get("/help/").content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_bell_and_the_list_ask_a_constant_number_of_questions(
    client, person, number, django_assert_num_queries
):
    for count in range(number):
        tell(person, count)
    client.force_login(person)
    with django_assert_num_queries(2):  # session, person with the count
        client.get("/help/")
    with django_assert_num_queries(5):  # session, person; unread; the page's count; the page
        client.get(LIST)


def test_an_empty_list_says_what_will_stand_there(client, person):
    client.force_login(person)
    assert "暂无通知" in client.get(LIST).content.decode()


# ------------------------------------------------------------------------------------------------- e-mail


def test_a_day_brings_one_message_with_everything_unread(person):
    for number in (1, 2):
        tell(person, number)
    send_digests(at=NOON)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["zhang@example.org"], "学习型城市评价：2 条未读通知")
    assert "第1件事" in message.body
    assert "/framework/" in message.body
    tell(person, 3)
    send_digests(at=NOON + timedelta(hours=3))
    assert len(mail.outbox) == 1, "the second one waits for tomorrow"
    send_digests(at=NOON + timedelta(days=1))
    assert "第3件事" in mail.outbox[1].body
    assert "第1件事" not in mail.outbox[1].body, "told once"


def test_the_day_is_the_one_in_beijing(person):
    tell(person)
    send_digests(at=datetime(2030, 5, 10, 23, 30, tzinfo=BEIJING))
    tell(person, 2)
    send_digests(at=datetime(2030, 5, 11, 0, 30, tzinfo=BEIJING))  # the same day by UTC
    assert len(mail.outbox) == 2


def test_who_opted_out_has_no_address_or_has_read_it_gets_none(client, person):
    silent, nowhere, gone = make.user(email="a@example.org"), make.user(), make.user(email="b@example.org")
    for one in (person, silent, nowhere, gone):
        tell(one)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    client.force_login(silent)
    client.post(f"{LIST}digest/", {"wants": "no"})
    Notice.objects.filter(user=person).update(read_at=timezone.now())
    send_digests(at=NOON)
    assert mail.outbox == []
    client.post(f"{LIST}digest/", {"wants": "yes"})
    send_digests(at=NOON)
    assert [message.to for message in mail.outbox] == [["a@example.org"]]


def test_a_failure_stops_nobody_else_and_is_tried_again_tomorrow(person, settings):
    broken = make.user(email="broken@example.org")
    for one in (broken, person):
        tell(one)
    settings.EMAIL_BACKEND = "tests.accounts.test_notices.Flaky"
    outcome = send_digests(at=NOON)
    assert ([one for one, _why in outcome.failed], outcome.sent) == ([broken], [person])
    assert Notice.objects.get(user=broken).mailed_at is None
    assert send_digests(at=NOON + timedelta(hours=1)).failed == [], "not before tomorrow"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_digests(at=NOON + timedelta(days=1)).sent == [broken]


def test_the_command_says_what_it_did_and_fails_when_a_message_failed(person, settings, capsys):
    tell(person)
    call_command("send_digest", "--dry-run")
    shown = capsys.readouterr().out
    assert "第1件事" in shown
    assert "将发送 1 封" in shown
    assert mail.outbox == []
    assert Notice.objects.get().mailed_at is None
    call_command("send_digest")
    assert "已发送 1 封" in capsys.readouterr().out
    broken = make.user(email="broken@example.org")
    tell(broken)
    settings.EMAIL_BACKEND = "tests.accounts.test_notices.Flaky"
    with pytest.raises(CommandError, match="发送失败，明天再试"):
        call_command("send_digest")


def test_a_dry_run_leaves_no_reminder_behind(person):
    _city_due(NOON + timedelta(days=3), email="lead@example.org")
    outcome = send_digests(at=NOON, dry_run=True)
    assert "截止" in outcome.texts[0][1]
    assert not Notice.objects.exists()


# ---------------------------------------------------------------------------------- deadlines that are near


def _city_due(closes_at, **fields) -> tuple[Submission, User]:
    submission = make.submission(in_round=make.round_(closes_at=closes_at))
    return submission, make.member(submission.city, **fields)


def deadline_notices(person) -> list[str]:
    return list(person.notices.filter(kind="deadline").order_by("id").values_list("text", flat=True))


def test_the_city_is_reminded_three_days_and_one_day_before_and_no_more(client):
    submission, lead = _city_due(NOON + timedelta(days=5))
    for day in range(8):
        for hour in (0, 5):
            send_digests(at=NOON + timedelta(days=day, hours=hour))
    texts = deadline_notices(lead)
    assert len(texts) == 2
    assert texts[0] == f"{submission.round}：{submission.city}的填报将于 2030-05-15 12:00 截止，尚未提交。"


def test_an_extension_brings_reminders_of_its_own():
    submission, lead = _city_due(NOON + timedelta(days=1))
    send_digests(at=NOON)
    Submission.objects.filter(pk=submission.pk).update(extended_to=NOON + timedelta(days=4))
    for day in range(1, 5):
        send_digests(at=NOON + timedelta(days=day))
    assert len(deadline_notices(lead)) == 3


def test_a_city_that_has_handed_in_is_not_reminded():
    handed_in = make.handed_in(in_round=make.round_(closes_at=NOON + timedelta(days=1)))
    lead = make.member(handed_in.city)
    send_digests(at=NOON)
    assert deadline_notices(lead) == []


def test_internal_dates_remind_those_in_charge_of_what_is_not_done():
    submission, lead = _city_due(None)
    department = Department.objects.create(city=submission.city, name="教育局")
    editor, other = make.user("city"), make.user("city")
    Membership.objects.create(user=editor, city=submission.city, role="editor", department=department)
    Membership.objects.create(user=other, city=submission.city, role="editor")
    due_on = (NOON + timedelta(days=3)).date()
    for code in ("A1", "A2", "B1"):
        Responsibility.objects.create(
            answer=submission.answers.get(indicator__code=code), lead_department=department, due_on=due_on
        )
    make.answer(submission, "B1", ready=True)
    for day in range(5):
        send_digests(at=NOON + timedelta(days=day))
    texts = deadline_notices(editor)
    assert len(texts) == 2
    assert "内部截止日期 2030-05-13 临近，您还有 A1、A2 共 2 项未完成" in texts[0]
    assert deadline_notices(other) == deadline_notices(lead) == []


def test_what_a_page_links_to_exists(client, person):
    client.force_login(person)
    shown = client.get(LIST).content.decode()
    assert reverse("notifications:digest") in shown
