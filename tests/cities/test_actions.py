"""Saving, merging, attaching and handing in, as rules that hold whoever calls."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from cities import actions, evidence
from cities.answers import Content
from cities.models import Answer, Evidence, EvidenceFile, Receipt, Submission
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


# ---------------------------------------------------------------------------------------------- saving


def test_an_invalid_draft_is_kept_and_ready_is_refused():
    submission = make.submission()
    with pytest.raises(actions.NotReady) as refused:
        make.answer(submission, "A1", Content(VALUE, value_text="约五成", narrative="说明"), ready=True)
    assert refused.value.problems[0].message.startswith("“约五成”不是数字")
    stored = submission.answers.get(indicator__code="A1")
    assert (stored.value_text, stored.narrative, stored.status) == ("约五成", "说明", Answer.Status.DRAFT)


def test_every_change_is_kept_with_who_and_where_from():
    submission = make.submission()
    lead = make.member(submission.city)
    make.answer(submission, "A1", Content(VALUE, value_text="40"), by=lead)
    make.answer(submission, "A1", Content(VALUE, value_text="45"), by=lead, source="undo")
    log = submission.answers.get(indicator__code="A1").log.order_by("version")
    assert [(one.value_text, one.history_user, one.history_change_reason) for one in log] == [
        ("40", lead, "page"),
        ("45", lead, "undo"),
    ]


def test_saving_the_same_again_makes_no_new_version():
    submission = make.submission()
    make.answer(submission, "A1", ready=True)
    again = make.answer(submission, "A1")
    assert (again.version, again.status) == (1, Answer.Status.APPROVED), (
        "nobody of a department: no approval to wait for"
    )


def test_different_fields_changed_at_once_are_both_kept():
    submission = make.submission()
    make.answer(submission, "A1", Content(VALUE, value_text="40"))
    make.answer(submission, "A1", Content(VALUE, value_text="41"), seen_version=1)
    merged = make.answer(submission, "A1", Content(VALUE, value_text="40", narrative="补充"), seen_version=1)
    assert (merged.value_text, merged.narrative, merged.version) == ("41", "补充", 3)


def test_the_same_field_changed_at_once_is_a_conflict_and_writes_nothing():
    submission = make.submission()
    make.answer(submission, "A1", Content(VALUE, value_text="41"))
    with pytest.raises(actions.AnswerConflict) as conflict:
        make.answer(submission, "A1", Content(VALUE, value_text="99"), seen_version=0)
    assert [(one.field, one.mine, one.theirs) for one in conflict.value.conflicts] == [
        ("value_text", "99", "41")
    ]
    assert submission.answers.get(indicator__code="A1").value_text == "41"


# ----------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("opens", "closes", "words"),
    [(-5, -1, "本轮已于"), (1, 5, "现在还不能填写")],
    ids=["closed", "not open"],
)
def test_outside_the_dates_nothing_changes(opens, closes, words):
    now = timezone.now()
    in_round = make.round_(opens_at=now + timedelta(days=opens), closes_at=now + timedelta(days=closes))
    submission = make.submission(in_round=in_round)
    with pytest.raises(actions.ActionRefused, match=words):
        make.answer(submission, "A1")
    with pytest.raises(actions.ActionRefused, match=words):
        actions.add_evidence(
            submission=submission, indicator=in_round.framework.indicators.get(code="A1"), upload=make.pdf(),
            by=make.member(submission.city),
        )  # fmt: skip
    with pytest.raises(actions.ActionRefused, match=words):
        actions.submit_submission(submission=submission, by=make.member(submission.city), declared=True)


# -------------------------------------------------------------------------------------------- evidence


@pytest.fixture
def attach():
    submission = make.submission()
    lead = make.member(submission.city)

    def do(upload, code: str = "A1"):
        leaf = submission.round.framework.indicators.get(code=code)
        return actions.add_evidence(submission=submission, indicator=leaf, upload=upload, by=lead)

    do.submission, do.lead = submission, lead
    return do


def test_numbers_are_never_used_again(attach):
    first, second = attach(make.pdf("1")), attach(make.pdf("2"))
    actions.delete_evidence(evidence=second, by=attach.lead)
    third = attach(make.pdf("3"))
    assert [one.number for one in (first, second, third)] == ["A1-01", "A1-02", "A1-03"]
    assert Evidence.objects.get(pk=second.pk).deleted_by == attach.lead, "the record survives"


def test_the_same_bytes_are_stored_once_and_announced_on_the_same_indicator(attach):
    attach(make.pdf("same"))
    with pytest.raises(evidence.EvidenceRefused, match="此文件已作为 A1-01 上传，可直接引用，无需重复上传。"):
        attach(make.pdf("same", "改名.pdf"))
    attach(make.pdf("same"), "A2")
    assert EvidenceFile.objects.count() == 1
    assert Evidence.objects.count() == 2


def _zip(*members: str) -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return buffer.getvalue()


OLE = bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "病毒.exe",
            b"MZ",
            "不支持“病毒.exe”的格式。请转换为 PDF、OFD、DOC(X)、XLS(X)、WPS/ET、JPG、PNG 后上传。",
        ),
        ("假.pdf", b"<html><script>", "不支持“假.pdf”的格式"),
        ("假.docx", _zip("evil.txt"), "不支持“假.docx”的格式"),
        ("空.pdf", b"", "“空.pdf”为空或设有密码，无法打开。请检查并取消密码后重新上传。"),
        ("加密.pdf", b"%PDF-1.7\ntrailer << /Encrypt 5 0 R >>", "“加密.pdf”为空或设有密码"),
        ("加密.xlsx", OLE, "“加密.xlsx”为空或设有密码"),
        ("坏.docx", b"PK\x03\x04broken", "“坏.docx”为空或设有密码"),
    ],
)
def test_files_that_are_no_evidence_are_refused_in_words(attach, name, content, words):
    with pytest.raises(evidence.EvidenceRefused) as refused:
        attach(SimpleUploadedFile(name, content))
    assert str(refused.value).startswith(words)
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", _zip("word/document.xml")), ("a.xlsx", _zip("xl/workbook.xml")), ("a.ofd", _zip("OFD.xml")),
        ("a.doc", OLE), ("a.wps", OLE), ("a.et", OLE), ("a.JPG", b"\xff\xd8\xff\xe0"), ("a.png", b"\x89PNG\r\n\x1a\n"),
    ],
)  # fmt: skip
def test_the_usual_office_formats_are_taken(attach, name, content):
    assert attach(SimpleUploadedFile(name, content)).number == "A1-01"


def test_too_large_a_file_says_how_large(attach, settings):
    settings.EVIDENCE_MAX_MB = 1
    with pytest.raises(
        evidence.EvidenceRefused, match=r"“大.pdf”为 1.5 MB，超过 1 MB 上限。请压缩或拆分后上传。"
    ):
        attach(SimpleUploadedFile("大.pdf", b"%PDF-" + b"0" * (3 * 512 * 1024)))


def test_a_path_in_a_file_name_leads_nowhere(attach):
    assert attach(SimpleUploadedFile("..\\..\\etc\\证明.pdf", b"%PDF-1.4")).filename == "证明.pdf"


# ------------------------------------------------------------------------------------------ handing in


def _complete(submission: Submission) -> Submission:
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)
    return submission


def test_submitting_says_what_is_missing():
    submission = make.submission()
    make.answer(submission, "A1")
    with pytest.raises(actions.NotReady) as refused:
        actions.submit_submission(submission=submission, by=make.member(submission.city), declared=True)
    assert [problem.message for problem in refused.value.problems] == [
        "请选择最符合实际的评分等级。",
        "请勾选已达到的要点；都未达到时，请勾选“以上均未达到”。",
    ]
    submission.refresh_from_db()
    assert submission.status == Submission.Status.FILLING


def test_submitting_needs_the_declaration():
    submission = _complete(make.submission())
    with pytest.raises(actions.ActionRefused, match="请先勾选声明"):
        actions.submit_submission(submission=submission, by=make.member(submission.city), declared=False)


def test_two_clicks_make_one_submission_and_one_receipt():
    submission = _complete(make.submission())
    lead = make.member(submission.city)
    first = actions.submit_submission(submission=submission, by=lead, declared=True)
    second = actions.submit_submission(submission=submission, by=lead, declared=True)
    assert first == second == Receipt.objects.get()
    assert AuditEntry.objects.filter(action="submit").count() == 1


def test_the_receipts_digest_is_that_of_what_was_handed_in():
    submission = _complete(make.submission())
    receipt = actions.submit_submission(submission=submission, by=make.member(submission.city), declared=True)
    assert receipt.sha256 == actions.content_digest(actions.submission_content(submission))
    assert receipt.number == f"HZ2025-{submission.pk:06d}-01"


def test_after_handing_in_everything_is_locked():
    submission = _complete(make.submission())
    lead = make.member(submission.city)
    attached = actions.add_evidence(
        submission=submission, indicator=submission.round.framework.indicators.get(code="A1"), upload=make.pdf(),
        by=lead,
    )  # fmt: skip
    actions.submit_submission(submission=submission, by=lead, declared=True)
    with pytest.raises(actions.ActionRefused, match="已提交，不能再修改"):
        make.answer(submission, "A1", Content(VALUE, value_text="99"))
    with pytest.raises(actions.ActionRefused, match="已提交，不能再修改"):
        actions.delete_evidence(evidence=attached, by=lead)


# -------------------------------------------------------------------------------- what the database holds


def test_the_database_refuses_a_second_answer_and_a_value_without_its_state():
    submission = make.submission()
    stored = submission.answers.get(indicator__code="A1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.create(submission=submission, indicator=stored.indicator)
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.filter(pk=stored.pk).update(value=1.0)


def test_the_audit_log_only_grows():
    make.submission()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.update(action="nothing")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_a_round_needs_a_published_edition_and_a_free_code():
    draft = make.framework(published=False)
    with pytest.raises(actions.ActionRefused, match="尚未发布"):
        actions.open_round(code="r", framework=draft, year=2025, by=None)
    taken = make.round_()
    with pytest.raises(actions.ActionRefused, match="已存在"):
        actions.open_round(code=taken.code, framework=taken.framework, year=2025, by=None)
