"""Consultation on a draft: who may read and comment until when, the Excel form, answers, documents."""

import io
from datetime import datetime, timedelta

import docx
import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from indicators import consultation as actions
from indicators import consultation_documents as documents
from indicators import consultation_queries as queries
from indicators.consultation import CommentText, ConsultationRefused
from indicators.consultation_form import SHEET_FORM, form_workbook, read_form
from indicators.models import Comment, Framework
from indicators.queries import load_tree
from indicators.workbooks import WorkbookError
from tests import make

pytestmark = pytest.mark.django_db
HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script>'


@pytest.fixture
def administrator():
    return make.user("administrator")


@pytest.fixture
def draft():
    return make.framework(published=False)


@pytest.fixture
def staff():
    return make.member(make.city(name_zh="甲市"), role="editor")


@pytest.fixture
def clock(monkeypatch):
    """The server's clock, in hand: clock(hours=1) moves it."""
    offset = [timedelta()]
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + offset[0])

    def move(**by):
        offset[0] += timedelta(**by)

    return move


def opened(draft, by, *, days=7, **options):
    options = {"title": "征求意见", "invitation": "请提意见", "shares_comments": False, **options}
    return actions.open_consultation(
        framework=draft, closes_at=timezone.now() + timedelta(days=days), by=by, **options
    )


def said(consultation, by, code="A1", kind="weight", text="分值偏高", organisation="甲市", **more):
    return actions.add_comment(
        consultation=consultation, content=CommentText(code, kind, text, **more), organisation=organisation, by=by
    )  # fmt: skip


def answered(consultation, comments, by, outcome="adopted", reason="同意", edition=None, code=""):
    return actions.answer_comments(
        consultation=consultation, comments=[one.pk for one in comments], outcome=outcome, reason=reason,
        next_framework=edition, next_code=code, by=by,
    )  # fmt: skip


def page(framework, name="consultation", *args):
    return reverse(f"framework:{name}", args=[framework.code, framework.edition, *args])


# --- opening, extending, closing -----------------------------------------------------------------------------


def test_only_a_draft_is_opened_once_and_into_the_future(administrator, draft):
    with pytest.raises(ConsultationRefused, match="已发布"):
        opened(make.framework(), administrator)
    with pytest.raises(ConsultationRefused, match="晚于现在"):
        opened(draft, administrator, days=-1)
    made = opened(draft, administrator)
    with pytest.raises(ConsultationRefused, match="已征求过意见"):
        opened(draft, administrator)
    assert made.is_open()
    assert AuditEntry.objects.filter(action="consultation.open", actor=administrator).count() == 1


def test_comments_are_taken_until_the_closing_moment_and_not_at_it(administrator, draft, staff, monkeypatch):
    made = opened(draft, administrator)
    monkeypatch.setattr(timezone, "now", lambda: made.closes_at - timedelta(microseconds=1))
    comment = said(made, staff)
    monkeypatch.setattr(timezone, "now", lambda: made.closes_at)
    for attempt in (
        lambda: said(made, staff),
        lambda: actions.withdraw_comment(comment=comment, by=staff),
        lambda: actions.change_comment(
            comment=comment, content=CommentText("A1", "weight", "改"), organisation="甲市", by=staff
        ),
    ):
        with pytest.raises(ConsultationRefused, match="截止"):
            attempt()
    assert Comment.objects.get().text == "分值偏高"


def test_closing_early_and_extending(administrator, draft, staff, clock):
    made = opened(draft, administrator)
    actions.close_consultation(consultation=made, by=administrator)
    actions.close_consultation(consultation=made, by=administrator)
    with pytest.raises(ConsultationRefused, match="截止"):
        said(made, staff)
    longer = actions.change_consultation(
        consultation=made, title="继续征求意见", invitation="", closes_at=timezone.now() + timedelta(days=1),
        shares_comments=True, by=administrator,
    )  # fmt: skip
    said(longer, staff)
    clock(days=2)
    assert not longer.is_open()
    assert list(
        AuditEntry.objects.filter(action__startswith="consultation")
        .order_by("id")
        .values_list("action", flat=True)
    ) == ["consultation.open", "consultation.close", "consultation.change"]


def test_publishing_the_edition_ends_its_consultation(administrator, draft, staff):
    made = opened(draft, administrator)
    draft.status, draft.published_at = Framework.Status.PUBLISHED, timezone.now()
    draft.save()
    with pytest.raises(ConsultationRefused, match="已发布"):
        said(made, staff)


# --- comments ------------------------------------------------------------------------------------------------


def test_a_comment_keeps_what_the_draft_said_and_survives_the_indicator(administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff, code="A2", kind="rubric", text="A 级过严")
    assert "优秀的描述" in comment.present
    assert "分值 30" in comment.present
    draft.indicators.get(code="A2").delete()
    comment.refresh_from_db()
    assert comment.subject == "A2 指标A2"
    [group] = queries.grouped(queries.live_comments(made), load_tree(draft))
    assert group.gone


def test_changing_and_withdrawing_ones_own_keeps_the_history(administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff)
    changed = CommentText("A1", "wording", "口径不清", "改为常住人口", "与统计一致")
    actions.change_comment(comment=comment, content=changed, organisation="甲市教育局", by=staff)
    actions.withdraw_comment(comment=comment, by=staff)
    actions.withdraw_comment(comment=comment, by=staff)
    assert list(comment.log.order_by("history_id").values_list("text", flat=True)) == [
        "分值偏高",
        "口径不清",
        "口径不清",
    ]
    with pytest.raises(ConsultationRefused, match="已撤回"):
        actions.change_comment(comment=comment, content=changed, organisation="甲市", by=staff)
    assert not queries.live_comments(made).exists()


def test_nobody_changes_what_somebody_else_said(administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff)
    other = make.user("reviewer")
    with pytest.raises(ConsultationRefused, match="自己"):
        actions.withdraw_comment(comment=comment, by=other)
    with pytest.raises(ConsultationRefused, match="自己"):
        actions.change_comment(
            comment=comment, content=CommentText("A1", "weight", "x"), organisation="乙", by=other
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CommentText("A1", "weight", "  "), "请填写意见内容"),
        (CommentText("A1", "nothing", "x"), "请选择意见类型"),
        (CommentText("ZZ", "weight", "x"), "没有编号为“ZZ”的指标"),
        (CommentText("A1", "weight", "长" * 2001), "已超出 1 字"),
    ],
)
def test_an_unsound_comment_is_refused_in_words(administrator, draft, staff, content, words):
    made = opened(draft, administrator)
    with pytest.raises(ConsultationRefused, match=words):
        actions.add_comment(consultation=made, content=content, organisation="甲市", by=staff)


# --- pages and roles -----------------------------------------------------------------------------------------


def test_the_draft_is_readable_for_those_who_are_asked_and_only_while_it_is_open(
    client, administrator, draft, staff, clock
):
    people = {
        "staff": staff,
        "reviewer": make.user("reviewer"),
        "moderator": make.user("moderator"),
        "nobody": make.user("city"),
    }

    def statuses(address):
        found = {}
        for name, person in people.items():
            client.force_login(person)
            found[name] = client.get(address).status_code
        return found

    shut = dict.fromkeys(people, 404)
    asked = {**dict.fromkeys(people, 200), "nobody": 404}
    assert statuses(page(draft, "detail")) == shut
    assert statuses(page(draft)) == shut
    opened(draft, administrator)
    for name in (
        "detail",
        "consultation",
        "consultation_comment",
        "consultation_form",
        "consultation_upload",
    ):
        assert statuses(page(draft, name)) == asked, name
    clock(days=7)
    assert statuses(page(draft, "detail")) == shut
    assert statuses(page(draft, "consultation_form")) == shut
    assert statuses(page(draft)) == asked  # the letter stays, the draft does not
    client.force_login(staff)
    assert "指标A1" not in client.get(page(draft)).content.decode()


ADMINISTRATOR_PAGES = (
    "consultation_settings", "consultation_close", "consultation_publish", "consultation_collation",
    "consultation_export",
)  # fmt: skip


@pytest.mark.parametrize("name", ADMINISTRATOR_PAGES)
def test_the_administrators_pages_are_theirs(client, administrator, draft, staff, name):
    opened(draft, administrator)
    for person, status in (
        (staff, 403),
        (make.user("reviewer"), 403),
        (make.user("city"), 404),
        (administrator, 200),
    ):
        client.force_login(person)
        assert client.get(page(draft, name)).status_code == status


def test_an_administrator_opens_it_on_the_page(client, administrator, draft):
    client.force_login(administrator)
    response = client.get(page(draft), follow=True)
    assert response.redirect_chain[-1][0] == page(draft, "consultation_open")
    wrong = client.post(page(draft, "consultation_open"), {"title": "通知", "closes_at": "2001-01-01T00:00"})
    assert wrong.status_code == 422
    assert "截止时间应晚于现在" in wrong.content.decode()
    fine = {"title": "通知", "invitation": "请", "closes_at": "2999-01-01T17:00", "shares_comments": ""}
    assert client.post(page(draft, "consultation_open"), fine).status_code == 302
    assert timezone.localtime(draft.consultation.closes_at) == timezone.make_aware(datetime(2999, 1, 1, 17))
    client.force_login(make.user("reviewer"))
    assert client.get(page(draft, "consultation_open")).status_code == 403


def test_nobody_opens_a_draft_that_they_cannot_see(client, draft, staff):
    client.force_login(staff)
    assert client.post(page(draft, "consultation_open"), {}).status_code == 404


def test_commenting_on_the_page(client, administrator, draft, staff):
    opened(draft, administrator)
    client.force_login(staff)
    form = client.get(page(draft, "consultation_comment") + "?i=A1").content.decode()
    assert 'value="甲市"' in form
    assert "0:0|50:80|100:100" in form
    typed = {"kind": "weight", "text": "", "suggestion": "20", "organisation": "甲市"}
    wrong = client.post(page(draft, "consultation_comment") + "?i=A1", typed)
    assert wrong.status_code == 422
    assert "20</textarea>" in wrong.content.decode()
    done = client.post(page(draft, "consultation_comment") + "?i=A1", {**typed, "text": HOSTILE}, follow=True)
    shown = done.content.decode()
    assert "<script>alert" not in shown
    assert "=HYPERLINK" in shown
    comment = Comment.objects.get()
    assert (comment.author, comment.organisation, comment.indicator_code) == (staff, "甲市", "A1")
    assert client.get(page(draft, "consultation_comment") + "?i=ZZ").status_code == 404


def test_what_was_typed_too_late_is_kept_on_the_page_and_the_draft_is_not_shown(
    client, administrator, draft, staff, clock
):
    opened(draft, administrator)
    clock(days=7)
    client.force_login(staff)
    typed = {"kind": "weight", "text": "晚到的意见", "organisation": "甲市"}
    late = client.post(page(draft, "consultation_comment") + "?i=A1", typed)
    assert late.status_code == 422
    assert "截止，不能再提出" in late.content.decode()
    assert "晚到的意见" in late.content.decode()
    assert "指标A1" not in late.content.decode()
    assert not Comment.objects.exists()


def test_others_comments_show_while_open_only_when_the_administrator_chose_so(
    client, administrator, draft, staff
):
    made = opened(draft, administrator)
    other = make.member(make.city(name_zh="乙市"), display_name="乙某人")
    comment = said(made, other, text="乙市说的话", organisation="乙市")
    client.force_login(staff)
    assert "乙市说的话" not in client.get(page(draft)).content.decode()
    for name in ("consultation_edit", "consultation_withdraw"):
        assert client.get(page(draft, name, comment.pk)).status_code == 404
        assert client.post(page(draft, name, comment.pk), {"text": "x"}).status_code == 404
    made.shares_comments = True
    made.save()
    shown = client.get(page(draft)).content.decode()
    assert "乙市说的话" in shown
    assert "乙某人" not in shown


def test_editing_and_withdrawing_on_the_page(client, administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff)
    client.force_login(staff)
    typed = {"kind": "wording", "text": "新的说法", "organisation": "甲市"}
    assert client.post(page(draft, "consultation_edit", comment.pk), typed).status_code == 302
    assert client.get(page(draft, "consultation_withdraw", comment.pk)).status_code == 200
    assert not Comment.objects.get().is_withdrawn
    assert client.post(page(draft, "consultation_withdraw", comment.pk)).status_code == 302
    assert Comment.objects.get().is_withdrawn
    history = client.get(page(draft, "consultation_edit", comment.pk)).content.decode()
    assert "分值偏高" in history
    assert "新的说法" in history


def test_an_administrator_reads_a_comment_but_does_not_speak_for_others(client, administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff)
    client.force_login(administrator)
    assert client.get(page(draft, "consultation_edit", comment.pk)).status_code == 200
    typed = {"kind": "wording", "text": "改掉", "organisation": "甲市"}
    assert client.post(page(draft, "consultation_edit", comment.pk), typed).status_code == 422
    assert client.post(page(draft, "consultation_comment"), typed).status_code == 403
    assert Comment.objects.get().text == "分值偏高"


def test_the_list_of_frameworks_leads_to_it(client, administrator, draft, staff, clock):
    opened(draft, administrator, title="请看这份草案")
    for person, sees in ((staff, True), (administrator, True), (make.user("city"), False)):
        client.force_login(person)
        assert ("请看这份草案" in client.get(reverse("framework:list")).content.decode()) is sees
    clock(days=7)
    client.force_login(staff)
    assert "请看这份草案" not in client.get(reverse("framework:list")).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_query_counts_do_not_grow_with_the_comments(
    client, administrator, draft, staff, count, django_assert_num_queries
):
    made = opened(draft, administrator, shares_comments=True)
    for number in range(count):
        said(made, staff, text=f"意见{number}")
        said(made, make.member(make.city()), text=f"别人的意见{number}")
    client.force_login(staff)
    # session, user, workplace; consultation; tree 3; own, all
    with django_assert_num_queries(9):
        client.get(page(draft))
    client.force_login(administrator)
    actions.close_consultation(consultation=made, by=administrator)
    # session, user; consultation; tree 3; comments, withdrawn
    with django_assert_num_queries(8):
        client.get(page(draft, "consultation_collation"))


# --- the Excel form ------------------------------------------------------------------------------------------


def mine(made, staff):
    return list(queries.own_comments(made, staff).filter(withdrawn_at=None))


def filled(content: bytes, *rows: tuple[str, dict[str, str]], sheet=SHEET_FORM) -> bytes:
    """The form with the cells of the first row of each code filled in: {"text": …}."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    page_ = book[sheet]
    columns = {str(cell.value).split("(")[-1].rstrip(")"): cell.column for cell in page_[1]}
    for code, cells in rows:
        row = next(row for row in range(2, page_.max_row + 1) if str(page_.cell(row, 1).value) == code)
        for key, value in cells.items():
            cell = page_.cell(row, columns[key])
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_empty_form_and_the_form_of_ones_own_comments_change_nothing(administrator, draft, staff):
    made = opened(draft, administrator)
    said(made, staff, text=HOSTILE, suggestion="+1", reason="@x")
    said(made, staff, code="", kind="other", text="总体赞成\n第二行")
    content = form_workbook(made, load_tree(draft), mine(made, staff))
    check = read_form(content, made, load_tree(draft), mine(made, staff))
    assert (check.rows, check.problems, check.unchanged) == ([], [], 2)


def test_the_form_never_carries_a_formula(administrator, draft, staff):
    node = draft.indicators.get(code="A1")
    node.name_zh, node.definition = "=1+1", "@SUM(A1)\x01"
    node.save()
    made = opened(draft, administrator, title="=cmd|' /C calc'!A0")
    said(made, staff, text=HOSTILE)
    book = openpyxl.load_workbook(io.BytesIO(form_workbook(made, load_tree(draft), mine(made, staff))))
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {"=1+1", HOSTILE} <= {cell.value for cell in cells}


def test_a_form_is_checked_then_confirmed(client, administrator, draft, staff):
    made = opened(draft, administrator)
    first = said(made, staff, code="B1", kind="rubric", text="要点重复")
    client.force_login(staff)
    content = client.get(page(draft, "consultation_form")).content
    content = filled(
        content,
        ("整体", {"kind": "其他", "text": "总体同意"}),
        ("A1", {"kind": "权重", "text": HOSTILE, "suggestion": 25, "reason": "数据难取"}),
        ("B1", {"text": "要点 1 与 2 重复"}),
    )
    upload = {"file": SimpleUploadedFile("表.xlsx", content), "organisation": "甲市教育局"}
    checked = client.post(page(draft, "consultation_upload"), upload)
    assert checked.status_code == 200
    assert Comment.objects.count() == 1  # nothing is written before the confirmation
    done = client.post(page(draft, "consultation_confirm"), follow=True)
    assert "新增 2 条，修改 1 条" in done.content.decode()
    first.refresh_from_db()
    assert first.text == "要点 1 与 2 重复"
    new = Comment.objects.get(indicator_code="A1")
    assert (new.text, new.suggestion, new.kind, new.source) == (HOSTILE, "25", "weight", "workbook")
    assert new.organisation == "甲市教育局"
    again = client.post(page(draft, "consultation_confirm"), follow=True)
    assert "没有等待确认" in again.content.decode()
    assert Comment.objects.count() == 3


def test_every_problem_of_a_form_is_listed_with_its_place_and_nothing_is_written(
    client, administrator, draft, staff
):
    made = opened(draft, administrator)
    other = said(made, make.user("reviewer"))
    client.force_login(staff)
    content = filled(
        client.get(page(draft, "consultation_form")).content,
        ("A1", {"kind": "不知道", "text": "x"}),
        ("A2", {"kind": "权重"}),
        ("B1", {"kind": "权重", "text": "x", "number": other.pk}),
        ("B", {"code": "Q9", "kind": "权重", "text": "x"}),
        ("H1", {"kind": "其他", "text": "这一行没有问题"}),
    )
    response = client.post(
        page(draft, "consultation_upload"),
        {"file": SimpleUploadedFile("a.xlsx", content), "organisation": "甲市"},
    )
    shown = response.content.decode()
    assert response.status_code == 422
    for words in ("第 4 行", "意见类型", "请填写意见内容", "不是您提出的意见的序号", "Q9", "4 处问题"):
        assert words in shown
    assert "没有等待确认" in client.post(page(draft, "consultation_confirm"), follow=True).content.decode()
    assert Comment.objects.count() == 1


def test_a_form_of_another_edition_or_no_form_is_refused(administrator, draft, staff):
    made = opened(draft, administrator)
    other = make.framework(published=False)
    elsewhere = form_workbook(opened(other, administrator), load_tree(other), [])
    with pytest.raises(WorkbookError, match="这里征求意见的是"):
        read_form(elsewhere, made, load_tree(draft), [])
    with pytest.raises(WorkbookError):
        read_form(b"not a workbook", made, load_tree(draft), [])
    book = openpyxl.Workbook()
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(WorkbookError, match="没有工作表"):
        read_form(out.getvalue(), made, load_tree(draft), [])


def test_a_form_confirmed_too_late_writes_nothing(client, administrator, draft, staff):
    made = opened(draft, administrator)
    client.force_login(staff)
    content = filled(
        client.get(page(draft, "consultation_form")).content, ("A1", {"kind": "权重", "text": "x"})
    )
    client.post(
        page(draft, "consultation_upload"),
        {"file": SimpleUploadedFile("a.xlsx", content), "organisation": "甲市"},
    )
    actions.close_consultation(consultation=made, by=administrator)
    assert "截止" in client.post(page(draft, "consultation_confirm"), follow=True).content.decode()
    assert not Comment.objects.exists()


# --- answers -------------------------------------------------------------------------------------------------


def closed_with(draft, administrator, *people):
    made = opened(draft, administrator)
    comments = [said(made, person, text=f"意见 {number}") for number, person in enumerate(people)]
    actions.close_consultation(consultation=made, by=administrator)
    return made, comments


def test_comments_are_answered_after_closing_with_a_reason(administrator, draft, staff):
    made = opened(draft, administrator)
    comment = said(made, staff)
    with pytest.raises(ConsultationRefused, match="尚未截止"):
        answered(made, [comment], administrator)
    actions.close_consultation(consultation=made, by=administrator)
    with pytest.raises(ConsultationRefused, match="请填写答复理由"):
        answered(made, [comment], administrator, reason=" ")
    with pytest.raises(ConsultationRefused, match="采纳"):
        answered(made, [comment], administrator, outcome="maybe")
    answered(made, [comment], administrator, outcome="declined", reason="与上位文件不符")
    comment.refresh_from_db()
    assert (comment.outcome, comment.answered_by) == ("declined", administrator)


def test_an_answer_names_the_change_in_another_edition_of_the_same_framework(administrator, draft, staff):
    made, [comment] = closed_with(draft, administrator, staff)
    following = make.framework(published=False, code=draft.code, edition="2")
    with pytest.raises(ConsultationRefused, match="另一版本"):
        answered(made, [comment], administrator, edition=make.framework())
    with pytest.raises(ConsultationRefused, match="没有编号为“Q”"):
        answered(made, [comment], administrator, edition=following, code="Q")
    with pytest.raises(ConsultationRefused, match="先选择"):
        answered(made, [comment], administrator, code="A1")
    answered(made, [comment], administrator, edition=following, code="A1")
    comment.refresh_from_db()
    assert documents.change_words(comment) == "版本 2 A1"


def test_equal_comments_are_answered_together_on_the_page(client, administrator, draft, staff):
    _, comments = closed_with(draft, administrator, staff, make.user("reviewer"), make.user("reviewer"))
    following = make.framework(published=False, code=draft.code, edition="2")
    client.force_login(administrator)
    address = page(draft, "consultation_answer") + f"?c={comments[0].pk}&c={comments[1].pk}"
    assert client.get(page(draft, "consultation_answer"), follow=True).redirect_chain[-1][0] == page(
        draft, "consultation_collation"
    )
    typed = {"outcome": "partly", "reason": "", "next_framework": following.pk, "next_code": "A1"}
    assert client.post(address, typed).status_code == 422
    assert client.post(address, {**typed, "reason": "部分采纳"}).status_code == 302
    assert sorted(Comment.objects.values_list("outcome", flat=True)) == ["", "partly", "partly"]
    shown = client.get(page(draft, "consultation_collation")).content.decode()
    assert f"/framework/{draft.code}/2/diff/?with=1#i-A1" in shown
    for query, count in (("state=open", 1), ("state=answered", 2), ("state=partly", 2), ("kind=rubric", 0),
                         ("dimension=A", 3), ("dimension=B", 0), ("dimension=-", 0)):  # fmt: skip
        context = client.get(page(draft, "consultation_collation") + f"?{query}").context
        assert context["shown"] == count, query


def test_comments_of_another_consultation_cannot_be_answered_here(client, administrator, draft, staff):
    made, _ = closed_with(draft, administrator, staff)
    _, [foreign] = closed_with(make.framework(published=False), administrator, staff)
    with pytest.raises(ConsultationRefused, match="重新选择"):
        answered(made, [foreign], administrator)
    foreign.refresh_from_db()
    assert not foreign.is_answered


def test_answers_are_shown_when_they_are_published_and_not_before(client, administrator, draft, staff):
    made, [comment, other] = closed_with(
        draft, administrator, staff, make.user("reviewer", display_name="某专家")
    )
    answered(made, [comment], administrator, reason="答复内容一")
    with pytest.raises(ConsultationRefused, match="还有 1 条"):
        actions.publish_answers(consultation=made, by=administrator)
    answered(made, [other], administrator, reason="答复内容二", outcome="declined")
    client.force_login(staff)
    assert "答复内容一" not in client.get(page(draft)).content.decode()
    client.force_login(administrator)
    assert client.post(page(draft, "consultation_publish")).status_code == 302
    client.force_login(staff)
    shown = client.get(page(draft)).content.decode()
    assert "答复内容一" in shown
    assert "答复内容二" in shown
    assert "某专家" not in shown
    assert client.get(page(draft, "detail")).status_code == 404
    with pytest.raises(ConsultationRefused, match="已公布"):
        actions.change_consultation(
            consultation=made, title="x", invitation="", closes_at=timezone.now() + timedelta(days=1),
            shares_comments=False, by=administrator,
        )  # fmt: skip


def test_an_answered_comment_is_not_changed_when_the_time_is_extended(administrator, draft, staff):
    made, [comment] = closed_with(draft, administrator, staff)
    answered(made, [comment], administrator)
    made = actions.change_consultation(
        consultation=made, title="x", invitation="", closes_at=timezone.now() + timedelta(days=1),
        shares_comments=False, by=administrator,
    )  # fmt: skip
    with pytest.raises(ConsultationRefused, match="已答复"):
        actions.withdraw_comment(comment=comment, by=staff)


# --- 意见汇总处理表 -------------------------------------------------------------------------------------------


@pytest.fixture
def table(administrator, draft, staff):
    """Three comments in another order than the tree's, one of them hostile, one withdrawn, one answered."""
    made = opened(draft, administrator)
    hostile = said(made, staff, code="B1", kind="rubric", text=HOSTILE, suggestion="-1", organisation="=甲市")
    said(made, staff, code="A1", text="分值偏高", reason="难取数")
    said(made, make.user("reviewer"), code="", kind="other", text="总体赞成", organisation="某大学")
    gone = said(made, staff, code="A1", text="说错了")
    actions.withdraw_comment(comment=gone, by=staff)
    actions.close_consultation(consultation=made, by=administrator)
    following = make.framework(published=False, code=draft.code, edition="2")
    answered(made, [hostile], administrator, reason="=同意", edition=following, code="B1")
    return made


def test_the_workbook_of_all_comments(client, administrator, draft, table):
    client.force_login(administrator)
    response = client.get(page(draft, "consultation_export"))
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(number for number, row in enumerate(values) if row[0] == "序号")
    above = "\n".join(str(row[0]) for row in values[:head])
    assert above.startswith("试验体系（1）意见汇总处理表")
    for words in (
        "参考稿",
        "3 个单位提出 3 条意见：采纳 1 条、部分采纳 0 条、不采纳 0 条、未答复 2 条",
        "征求意见时间",
    ):
        assert words in above
    assert values[head] == list(documents.SUMMARY_HEADINGS)
    rows = values[head + 1 :]
    assert [row[:2] for row in rows] == [[1, "指标体系整体"], [2, "A1 指标A1"], [3, "B1 指标B1"]]
    assert rows[2][4:] == ["采纳", "=同意", "版本 2 B1"]
    assert HOSTILE in rows[2][3]
    assert rows[0][4] == "未答复"
    assert "说错了" not in str(values)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.oddHeader.left.text == "参考稿"
    assert AuditEntry.objects.filter(action="consultation.export", actor=administrator).count() == 1


def test_the_word_document_of_all_comments(client, administrator, draft, table):
    client.force_login(administrator)
    response = client.get(page(draft, "consultation_export") + "?format=docx")
    document = docx.Document(io.BytesIO(response.content))
    section = document.sections[0]
    assert section.page_width > section.page_height
    assert round(section.page_width.cm, 1) == 29.7
    assert document.paragraphs[0].text == "试验体系（1）意见汇总处理表"
    assert "未答复 2 条" in "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert section.header.paragraphs[0].text == "参考稿"
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert rows[0] == list(documents.SUMMARY_HEADINGS)
    assert rows[3][2].startswith("=甲市（")
    assert rows[3][4:] == ["采纳", "=同意", "版本 2 B1"]
    assert HOSTILE in rows[3][3]
    assert "tblHeader" in document.tables[0].rows[0]._tr.xml


def test_a_table_without_comments_is_a_table(administrator, draft):
    made = opened(draft, administrator)
    assert openpyxl.load_workbook(io.BytesIO(documents.summary_workbook(made, [])))
    assert len(docx.Document(io.BytesIO(documents.summary_document(made, []))).tables[0].rows) == 1
