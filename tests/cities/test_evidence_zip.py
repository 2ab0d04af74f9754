"""A ZIP of many files: matched to indicators, looked at, confirmed once; hostile archives refused in words."""

import io
import zipfile

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from cities import actions
from cities.actions import evidence_zip
from cities.evidence_unzip import MATCHED, UNMATCHED, Matcher, Plan, names_of
from cities.models import BulkUpload
from tests import make
from tests.cities.evidence_files import archive, pdf, photo
from tests.cities.test_evidence import editor_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


def content(number: int) -> bytes:
    return b"%PDF-1.4\n" + b"page " * number + b"\n%%EOF\n"


def store(submission, by, members, **options) -> BulkUpload:
    upload = members if isinstance(members, SimpleUploadedFile) else archive(members, **options)
    return evidence_zip.store_archive(submission=submission, upload=upload, by=by)


def planned(upload: BulkUpload) -> dict[str, tuple[str, str]]:
    return {one.path: (one.outcome, one.code) for one in Plan.from_json(upload.plan).members}


# ---------------------------------------------------------------------------------------------------- matching


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("A1.2 年度报告.pdf", "A1.2"),  # the longest code wins
        ("A1.2-01 年度报告.pdf", "A1.2"),
        ("A1.pdf", "A1"),
        ("a1.2材料.pdf", "A1.2"),
        ("Ａ１．２材料.pdf", "A1.2"),  # full width
        ("A10 名册.pdf", ""),  # not A1
        ("XA1.pdf", ""),
        ("A1.23.pdf", ""),
        ("B1/证明.pdf", "B1"),
        ("A1/B1/深/证明.pdf", "B1"),  # the nearest folder
        ("B1/A1.2 证明.pdf", "A1.2"),  # the file's own name before its folder's
        ("A1 与 B1 共用.pdf", ""),  # two of the same length: somebody has to say
        ("A1 与 A1.2 共用.pdf", "A1.2"),
        ("B1\\证明.pdf", "B1"),
        ("证明.pdf", ""),
    ],
)
def test_codes_in_names(path, code):
    assert Matcher(["A1", "A1.2", "B1"]).code_of(path) == code


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_of_programs_that_do_not_say_their_encoding(encoding):
    upload = archive({"教育局/A1 年度报告.pdf": content(1), "联通.pdf": content(2)}, encoding=encoding)
    with zipfile.ZipFile(upload) as made:
        assert names_of(made.infolist()) == ["教育局/A1 年度报告.pdf", "联通.pdf"]


def test_an_archive_is_matched_by_names_and_folders_and_junk_is_skipped(submission, lead):
    upload = store(submission, lead, {
        "材料/A1 年报.pdf": content(1), "材料/B1/深处/证明.pdf": content(2), "说明.pdf": content(3),
        "__MACOSX/材料/._A1 年报.pdf": b"x", "材料/Thumbs.db": b"x", "材料/.DS_Store": b"x", "材料/~$A1.docx": b"x",
        "A2.exe": b"MZ", "A2 空.pdf": b"", "H1 复本.pdf": content(1),
    })  # fmt: skip
    assert planned(upload) == {
        "材料/A1 年报.pdf": ("matched", "A1"),
        "材料/B1/深处/证明.pdf": ("matched", "B1"),
        "说明.pdf": ("unmatched", ""),
        "A2.exe": ("refused", ""),
        "A2 空.pdf": ("refused", ""),
        "H1 复本.pdf": ("matched", "H1"),
    }
    assert Plan.from_json(upload.plan).skipped == 4
    assert not submission.evidence.exists()


# -------------------------------------------------------------------------------------------------- confirming


def test_nothing_is_written_before_the_confirmation_and_once_after_two_clicks(client, submission, lead):
    client.force_login(lead)
    members = {
        "A1 年报.pdf": content(1),
        "说明.pdf": content(2),
        "多余.pdf": content(3),
        "B1 年报.pdf": content(1),
    }
    response = client.post(
        f"/s/{submission.pk}/evidence/zip/", {"archive": archive(members, encoding="gb18030")}
    )
    upload = BulkUpload.objects.get()
    assert response.url == f"/s/{submission.pk}/evidence/zip/{upload.pk}/"
    page = client.get(response.url).content.decode()
    assert "A1 年报.pdf" in page
    assert 'name="code-1"' in page
    assert not submission.evidence.exists()
    for _click in range(2):
        assert client.post(response.url, {"code-1": "A2", "code-2": ""}).status_code == 302
    found = submission.evidence.order_by("id").select_related("indicator", "copied_from")
    assert [(one.number, one.filename) for one in found] == [
        ("A1-01", "A1 年报.pdf"),
        ("A2-01", "说明.pdf"),
        ("B1-01", "B1 年报.pdf"),
    ]
    assert found[2].copied_from == found[0]  # the same file under two indicators is cited
    report = client.get(response.url).content.decode()
    assert "没有选择指标，未接收。" in report
    assert "与 A1-01 是同一文件，已引用。" in report
    upload.refresh_from_db()
    assert upload.status == "confirmed"


@pytest.mark.django_db(transaction=True)
def test_the_file_lies_below_uploads_until_it_is_decided():
    submission = make.submission()
    lead = make.member(submission.city)
    first = store(submission, lead, {"A1.pdf": content(1)})
    where = first.stored_as
    assert where.startswith("uploads/")
    assert default_storage.exists(where)
    second = store(
        submission, lead, {"A2.pdf": content(2)}
    )  # a newer one takes the place of the one that waits
    first.refresh_from_db()
    assert (first.status, default_storage.exists(where)) == ("dropped", False)
    evidence_zip.confirm_archive(upload=second, choices={}, by=lead)
    assert not default_storage.exists(second.stored_as or "uploads/none")
    third = store(submission, lead, {"A2.pdf": content(3)})
    for _click in range(2):
        evidence_zip.drop_archive(upload=third, by=lead)
    with pytest.raises(actions.ActionRefused, match="已放弃"):
        evidence_zip.confirm_archive(upload=BulkUpload.objects.get(pk=third.pk), choices={}, by=lead)
    assert submission.evidence.count() == 1


def test_duplicates_are_told_and_not_taken_again(submission, lead):
    leaf = submission.round.framework.indicators.get(code="A1")
    actions.add_evidence(submission=submission, indicator=leaf, upload=pdf(1), by=lead)
    same = pdf(1).read()
    upload = store(submission, lead, {"A1 年报.pdf": same, "B1/一.pdf": content(2), "B1/二.pdf": content(2)})
    members = Plan.from_json(upload.plan).members
    assert [(one.outcome, one.reason) for one in members] == [
        ("duplicate", "此文件已作为 A1-01 上传，不再重复接收。"),
        ("matched", ""),
        ("duplicate", "与压缩包内的“B1/一.pdf”相同，只接收一份。"),
    ]
    done = evidence_zip.confirm_archive(upload=upload, choices={}, by=lead)
    assert [one["outcome"] for one in done.changes] == ["left", "added", "left"]
    assert submission.evidence.count() == 2


def test_a_deadline_that_passes_before_the_confirmation_refuses_it(submission, lead):
    upload = store(submission, lead, {"A1.pdf": content(1)})
    actions.hand_in(submission=submission, by=None)
    upload.submission.refresh_from_db()
    with pytest.raises(actions.ActionRefused, match="已提交，不能再修改"):
        evidence_zip.confirm_archive(upload=upload, choices={}, by=lead)
    with pytest.raises(actions.ActionRefused, match="已提交，不能再修改"):
        store(submission, lead, {"A1.pdf": content(1)})
    assert not submission.evidence.exists()


def test_an_editor_fills_own_leaves_only_also_by_choosing(submission):
    editor = editor_of(submission, "A1")
    upload = store(submission, editor, {"A1.pdf": content(1), "B1.pdf": content(2), "说明.pdf": content(3)})
    assert planned(upload)["B1.pdf"] == (UNMATCHED, "")  # B1 is no leaf of this editor's
    assert planned(upload)["A1.pdf"] == (MATCHED, "A1")
    done = evidence_zip.confirm_archive(upload=upload, choices={1: "B1", 2: "A1"}, by=editor)
    assert [(one["outcome"], one["reason"]) for one in done.changes] == [
        ("added", ""),
        ("refused", "所选指标不存在，或不在您的填报范围内。"),
        ("added", ""),
    ]
    assert {one.indicator.code for one in submission.evidence.select_related("indicator")} == {"A1"}


def test_an_upload_is_its_owners_alone(client, submission, lead):
    upload = store(submission, lead, {"A1.pdf": content(1)})
    address = f"/s/{submission.pk}/evidence/zip/{upload.pk}/"
    client.force_login(make.member(submission.city))
    assert client.get(address).status_code == 404
    assert client.post(address).status_code == 404
    assert client.post(f"{address}drop/").status_code == 404
    client.force_login(lead)
    client.post(f"{address}drop/")
    upload.refresh_from_db()
    assert upload.status == "dropped"


# ----------------------------------------------------------------------------------------------------- hostile


def bomb() -> SimpleUploadedFile:
    return archive({"A1.pdf": b"%PDF-1.4" + b"\0" * 20_000_000})


def encrypted() -> SimpleUploadedFile:
    upload = archive({"A1 密.pdf": content(1)})
    data = bytearray(upload.read())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return SimpleUploadedFile("密.zip", bytes(data))


def lying() -> SimpleUploadedFile:
    """The directory declares fewer bytes than the member unpacks to."""
    upload = archive({"A1.pdf": content(500)})
    data = bytearray(upload.read())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (20).to_bytes(4, "little")
    return SimpleUploadedFile("谎.zip", bytes(data))


def link() -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        info = zipfile.ZipInfo("A1.pdf")
        info.external_attr = 0o120777 << 16
        made.writestr(info, "/etc/passwd")
    return SimpleUploadedFile("链.zip", buffer.getvalue())


def other_method() -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("A1.pdf", content(9))
    return SimpleUploadedFile("法.zip", buffer.getvalue())


@pytest.mark.parametrize(
    ("make_upload", "words"),
    [
        (bomb, "压缩比异常"),
        (encrypted, "“A1 密.pdf”为空或设有密码，无法打开。请检查并取消密码后重新上传。"),
        (lying, "“A1.pdf”为空或设有密码，无法打开"),
        (link, "路径不合规范"),
        (other_method, "压缩方式不受支持"),
        (lambda: archive({"../../A1.pdf": content(1)}), "路径不合规范"),
        (lambda: archive({"/etc/A1.pdf": content(1)}), "路径不合规范"),
        (lambda: archive({"C:\\A1.pdf": content(1)}), "路径不合规范"),
        (lambda: archive({"A1.zip": b"PK\x03\x04"}), "不支持“A1.zip”的格式"),
        (lambda: archive({"A1.pdf": b"MZ no pdf at all"}), "不支持“A1.pdf”的格式"),
    ],
)
def test_a_hostile_member_is_refused_in_words_and_harms_no_other(submission, lead, make_upload, words):
    upload = store(submission, lead, make_upload())
    (member,) = Plan.from_json(upload.plan).members
    assert member.outcome == "refused"
    assert words in member.reason
    done = evidence_zip.confirm_archive(upload=upload, choices={0: "A1"}, by=lead)
    assert [one["outcome"] for one in done.changes] == ["refused"]
    assert not submission.evidence.exists()


@pytest.mark.parametrize(
    ("make_upload", "words"),
    [
        (lambda: SimpleUploadedFile("材料.zip", b"no archive"), "无法打开此压缩包"),
        (lambda: SimpleUploadedFile("材料.rar", b"Rar!\x1a\x07\x00"), "无法打开此压缩包"),
        (lambda: archive({}), "压缩包里没有文件"),
        (lambda: archive({f"{n}.pdf": b"" for n in range(501)}), "压缩包内有 501 个文件，超过 500 个上限"),
        (lambda: archive({f"d{n}/": b"" for n in range(5001)}), "压缩包内有 5001 项，超过 5000 项上限"),
    ],
)
def test_an_archive_that_cannot_be_taken_is_refused_on_the_page(client, submission, lead, make_upload, words):
    client.force_login(lead)
    response = client.post(f"/s/{submission.pk}/evidence/zip/", {"archive": make_upload()})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not BulkUpload.objects.exists()


def test_an_archive_that_unpacks_to_too_much_is_refused(submission, lead, settings):
    settings.EVIDENCE_MAX_MB = 1
    members = {f"{n}.pdf": b"%PDF" + bytes(1_000_000) for n in range(22)}
    with pytest.raises(actions.ActionRefused, match=r"解开后共 21 MB，超过 20 MB 上限"):
        store(submission, lead, members)


def test_the_rules_of_the_indicator_hold_for_members_as_well(lead):
    framework = make.framework(published=False)
    framework.indicators.filter(code="A1").update(evidence_kinds="pdf")
    submission = make.submission(lead.memberships.get().city, make.round_(framework, is_pilot=True))
    upload = store(submission, lead, {"A1 现场.jpg": photo().read(), "现场.jpg": photo((9, 9)).read()})
    first, second = Plan.from_json(upload.plan).members
    assert first.reason == "不支持“A1 现场.jpg”的格式。请转换为 PDF 后上传。"
    assert second.outcome == UNMATCHED
    done = evidence_zip.confirm_archive(upload=upload, choices={1: "A1"}, by=lead)
    assert done.changes[1]["reason"] == "不支持“现场.jpg”的格式。请转换为 PDF 后上传。"
