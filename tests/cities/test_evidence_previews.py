"""Pages of evidence in the page: drawn apart from the server, to those who may read the file, and kept."""

import io
from pathlib import Path

import pytest
from PIL import Image

from cities import actions, previews
from cities.evidence import EvidenceRefused
from cities.previews import NoPreview
from tests import make
from tests.cities.evidence_files import pdf, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def submission():
    return make.submission()


@pytest.fixture
def lead(submission):
    return make.member(submission.city)


@pytest.fixture
def attach(submission, lead):
    def add(upload, locator: str = ""):
        leaf = submission.round.framework.indicators.get(code="A1")
        return actions.add_evidence(
            submission=submission, indicator=leaf, upload=upload, by=lead, locator=locator
        )

    return add


def opened(client, found, page: int = 1, query: str = "") -> Image.Image:
    response = client.get(f"/s/{found.submission_id}/evidence/{found.pk}/page/{page}.png{query}")
    assert response["Content-Type"] == "image/png"
    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"]
    return Image.open(io.BytesIO(response.content))


def test_pages_of_a_pdf_are_pictures(client, attach, lead):
    found = attach(pdf(3))
    client.force_login(lead)
    assert opened(client, found, 3).size == (900, 1274)
    assert opened(client, found, 1, "?w=1600").width in (1600, 1601)
    assert client.get(f"/s/{found.submission_id}/evidence/{found.pk}/page/4.png").status_code == 404
    assert client.get(f"/s/{found.submission_id}/evidence/{found.pk}/page/0.png").status_code == 404
    assert client.get(f"/s/{found.submission_id}/evidence/{found.pk}/page/1.png?w=99999").status_code == 404


def test_a_photograph_is_turned_upright_and_made_smaller(client, attach, lead):
    found = attach(photo((3000, 2000), orientation=6))
    client.force_login(lead)
    assert opened(client, found).size == (900, 1350)
    small = attach(photo((30, 20), name="小.jpg"))
    assert opened(client, small).size == (30, 20)


def test_a_page_of_absurd_proportions_stays_small(attach):
    drawn = previews.page_image(attach(pdf(1, width=1)).file)
    with Image.open(drawn.path) as picture:
        width, height = picture.size
    assert width * height < 12_000_000
    assert height <= 6000


def test_a_picture_is_drawn_once_and_again_when_it_is_lost(attach):
    record = attach(pdf(2)).file
    first = previews.page_image(record)
    moment = first.path.stat().st_mtime_ns
    assert previews.page_image(record).path.stat().st_mtime_ns == moment
    first.path.unlink()
    assert previews.page_image(record).path.exists()
    assert not list(Path(first.path.parent).glob("*.part"))


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (make.pdf("no real document", name="坏.pdf"), "文件可能已损坏"),
        (make.pdf("x", name="坏.pdf"), "文件可能已损坏"),
    ],
)
def test_what_cannot_be_drawn_says_so_and_offers_the_download(client, attach, lead, upload, words):
    found = attach(upload)
    client.force_login(lead)
    page = client.get(f"/s/{found.submission_id}/evidence/{found.pk}/preview/")
    assert page.status_code == 200
    assert words in page.content.decode()
    assert f'href="/s/{found.submission_id}/evidence/{found.pk}/"' in page.content.decode()
    assert client.get(f"/s/{found.submission_id}/evidence/{found.pk}/page/1.png").status_code == 404


def test_office_files_are_for_downloading(client, attach, lead):
    from indicators.workbook_writing import Sheet, write_workbook

    book = make.pdf(name="表.xlsx")
    book.file = io.BytesIO(write_workbook([Sheet("表", ("列",), [("值",)])]))
    book.size = len(book.file.getvalue())
    found = attach(book)
    client.force_login(lead)
    page = client.get(f"/s/{found.submission_id}/evidence/{found.pk}/preview/").content.decode()
    assert "这种格式不能在网页中预览，请下载后查看。" in page
    assert "<img" not in page


def test_the_worker_gives_up_in_time(attach, monkeypatch):
    """A file that takes too long is told apart from a broken one, and is not tried again at once."""
    record = attach(pdf(1)).file
    monkeypatch.setattr(previews, "SECONDS", 0.001)
    with pytest.raises(NoPreview, match="页面过于复杂"):
        previews.page_image(record)
    monkeypatch.undo()
    with pytest.raises(NoPreview, match="页面过于复杂"):
        previews.page_image(record)


@pytest.mark.parametrize(
    ("locator", "named"),
    [("第 3—5 页", [3, 5]), ("P12", [12]), ("", []), ("第 0 页、第 2 页、第 2 页", [2]), ("附件一", [])],
)
def test_the_pages_that_a_locator_names(locator, named):
    assert previews.pages_named(locator) == named


def test_the_preview_opens_at_the_named_page_and_pages_on(client, attach, lead):
    found = attach(pdf(5), locator="第 3—4 页")
    client.force_login(lead)
    address = f"/s/{found.submission_id}/evidence/{found.pk}/preview/"
    page = client.get(address).content.decode()
    assert 'alt="A1-01 年度报告.pdf 第 3 页，共 5 页"' in page
    assert f'href="{address}?page=2"' in page
    assert "跳到第 4 页" in page
    part = client.get(f"{address}?page=5", headers={"HX-Request": "true"}).content.decode()
    assert "第 5 / 5 页" in part
    assert "<html" not in part
    assert f'href="{address}?page=6"' not in part
    assert "第 5 / 5 页" in client.get(f"{address}?page=900").content.decode()
    assert "第 3 / 5 页" in client.get(f"{address}?page=x").content.decode()


def test_who_may_not_read_the_file_sees_no_page_of_it(client, attach, submission):
    found = attach(pdf(1))
    for person in (make.member(make.city()), make.user("reviewer")):
        client.force_login(person)
        for part in ("page/1.png", "preview/"):
            assert client.get(f"/s/{submission.pk}/evidence/{found.pk}/{part}").status_code == 404
    client.logout()
    assert client.get(f"/s/{submission.pk}/evidence/{found.pk}/page/1.png").status_code == 302


def test_a_deleted_file_shows_no_page(client, attach, submission, lead):
    found = attach(pdf(1))
    client.force_login(lead)
    opened(client, found)
    actions.delete_evidence(evidence=found, by=lead)
    assert client.get(f"/s/{submission.pk}/evidence/{found.pk}/page/1.png").status_code == 404


def test_an_image_that_unpacks_to_too_much_is_refused(attach):
    """A few kilobytes that would fill the memory: the worker stops, the server does not notice."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    upload = photo(name="大图.png")
    upload.file = io.BytesIO(buffer.getvalue())
    upload.size = len(buffer.getvalue())
    with pytest.raises((NoPreview, EvidenceRefused)):
        previews.page_image(attach(upload).file)


def test_a_page_that_there_is_not_starts_no_renderer_and_leaves_no_file(attach, monkeypatch):
    record = attach(pdf(2)).file
    with pytest.raises(NoPreview):
        previews.page_image(record, 7)  # not known yet how many there are
    folder = previews.page_image(record).path.parent
    assert not list(folder.glob(f"{record.sha256}*.failed"))

    def never(*_given):
        raise AssertionError("drew")

    monkeypatch.setattr(previews, "_run", never)
    for page in (-1, 0, 3, 10_000, 10**12):
        with pytest.raises(NoPreview):
            previews.page_image(record, page)
    assert not list(folder.glob(f"{record.sha256}*.failed"))


def test_pages_beyond_all_documents_are_refused_before_the_file_is_opened(client, attach, lead, monkeypatch):
    found = attach(pdf(2))
    monkeypatch.setattr(previews, "_run", None)
    client.force_login(lead)
    base = f"/s/{found.submission_id}/evidence/{found.pk}/"
    for page in ("10000", "9" * 25, "9" * 5000):
        assert client.get(f"{base}page/{page}.png").status_code == 404
    assert client.get(f"{base}page/1.png?w={'9' * 5000}").status_code == 404
