"""Reports as Word documents: what they say, to whom, and that their numbers are those of the pages."""

import io
import re
import zipfile

import docx
import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from cities.models import Round
from scoring.actions.compute import compute_round
from scoring.models import ResultSnapshot
from scoring.reports import pictures
from scoring.reports.city import Reader, city_report
from scoring.reports.common import Source
from scoring.reports.round import round_report
from scoring.visibility import View
from tests import make, office
from tests.scoring.test_compute import worked  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot(worked):  # noqa: F811
    return compute_round(round=worked, by=None, draws=50)


@pytest.fixture
def published(snapshot):
    """Published to everybody, ranks on."""
    return publish(snapshot)


def publish(snapshot, audience=Round.Audience.PUBLIC, **fields):
    now = snapshot.created_at
    Round.objects.filter(pk=snapshot.round_id).update(audience=audience, results_published_at=now, **fields)
    ResultSnapshot.objects.filter(pk=snapshot.pk).update(published_at=now)
    return ResultSnapshot.objects.select_related("round__framework").get(pk=snapshot.pk)


def text_of(content: bytes) -> str:
    """Everything a reader sees: paragraphs, tables, and the running header."""
    document = docx.Document(io.BytesIO(content))
    parts = [one.text for one in document.paragraphs]
    for table in document.tables:
        parts += [" | ".join(cell.text for cell in row.cells) for row in table.rows]
    parts += [one.text for section in document.sections for one in section.header.paragraphs]
    return "\n".join(parts)


def headings_of(content: bytes) -> list[str]:
    return [
        one.text
        for one in docx.Document(io.BytesIO(content)).paragraphs
        if one._p.find(".//{*}outlineLvl") is not None
    ]


def inside(snapshot) -> Source:
    return Source(snapshot, View(snapshot.round, snapshot, inside=True))


def report(snapshot, code="110000", *, reasons=True, source=None) -> bytes:
    submission = snapshot.round.submissions.select_related("city").get(city__code=code)
    return city_report(source or inside(snapshot), submission, Reader(reasons=reasons))


def address(snapshot, code="110000"):
    return reverse("reports:city", args=[snapshot.round.code, code])


# --- a city's report -----------------------------------------------------------------------------------------


def test_a_city_report_has_the_chapters_of_an_official_paper(published):
    headings = headings_of(report(published))

    chapters = [one for one in headings if "、" in one[:2]]
    assert chapters == [
        "一、概述", "二、各维度得分", "三、失分与改进建议", "四、评审意见", "五、附表：各指标得分", "六、计分方法与核验",
    ]  # fmt: skip
    assert headings[0] == "甲市学习型城市评价报告"


def test_its_numbers_are_those_worked_by_hand(published):
    text = text_of(report(published))

    assert "甲市总分 69.5 分，在 2 个参与排名的城市中列第 1 位" in text
    assert "自评总分 97.0 分，与评审后的总分相差 27.5 分" in text
    assert "A 指标A | 72.5 | 36.3 | 72.5 | 36.3" in text  # own, median of 72.5 and 0, best, difference
    assert "A1 指标A1 | 80.0 | 60.0 | 12.0 | 已评 | 1" in text  # self, final, lost, rank: 30 × 40 %
    assert published.digest in text
    assert "名次的 5%–95% 区间为第" in text


def test_its_numbers_are_those_of_the_page(client, published):
    page = client.get(reverse("results:city", args=[published.round.code, "110000"])).text
    shown = set(re.findall(r"\d+\.\d", re.sub(r"<script.*?</script>|<svg.*?</svg>", "", page, flags=re.S)))
    text = text_of(report(published))

    leaves = [
        line.split(" | ")[1:4]
        for line in text.splitlines()
        if re.match(r"(A1|A2|B1|H1) 指标\w+.* \| .* \| 已评", line)
    ]
    numbers = {one for line in leaves for one in line if one != "—"}
    assert len(leaves) == 4
    assert numbers <= shown


def test_reasons_are_by_seat_and_without_names(published):
    text = text_of(report(published))

    assert "R1 80.0\nR2 40.0" in text
    assert "R1：与材料一致" in text
    for task in published.round.submissions.get(city__code="110000").assignments.all():
        assert task.reviewer.display_name not in text


def test_without_the_right_to_reasons_there_are_neither_opinions_nor_advice(published):
    text = text_of(report(published, reasons=False))

    assert "评审意见" not in text
    assert "与材料一致" not in text
    assert "改进建议（前" not in text
    assert "失分较多的指标" in text


def test_advice_tells_what_the_next_level_asks_for(published):
    text = text_of(report(published))

    assert "达到 A 优秀：优秀的描述" in text
    assert "再达到下列要点之一：\n2. 要点2" not in text  # the city claims both
    assert "未指定责任单位" in text


def test_an_unassessed_city_is_never_a_zero(published):
    text = text_of(report(published, "130000"))

    assert "丙市未评定总分、不参加排名，原因：尚未提交填报。未评定不等于 0 分。" in text
    assert "A1 指标A1 | — | — | — | 未评 | —" in text
    assert "总分 0" not in text


def test_every_page_says_what_kind_of_result_it_is(snapshot):
    Round.objects.filter(pk=snapshot.round_id).update(is_demo=True)
    snapshot.round.refresh_from_db()
    sections = docx.Document(io.BytesIO(report(snapshot))).sections

    assert all("【演示数据】【未公布】" in one.header.paragraphs[0].text for one in sections)
    assert "不得对外引用" in text_of(report(snapshot))


def test_pictures_say_in_words_what_they_show(published):
    with zipfile.ZipFile(io.BytesIO(report(published))) as archive:
        body = archive.read("word/document.xml").decode()
        images = [name for name in archive.namelist() if name.startswith("word/media/")]

    assert len(images) == 2  # dots and the waterfall; two dimensions make no radar
    assert 'descr="点图，甲市各维度得分：A 指标A 72.5（中位数 36.3）' in body
    assert 'descr="瀑布图，甲市从满分 100 到总分 69.5' in body


def test_without_a_chinese_font_a_sentence_stands_in_place_of_the_chart(published, monkeypatch):
    monkeypatch.setattr(pictures, "FAMILIES", ("No Such Font",))
    pictures.font_file.cache_clear()
    try:
        content = report(published)
    finally:
        monkeypatch.undo()
        pictures.font_file.cache_clear()

    assert "没有可用的中文字体" in text_of(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("word/media/")]


def test_a_character_that_the_font_lacks_leaves_the_picture_out():
    assert pictures.can_draw(["甲市"])
    assert not pictures.can_draw(["甲市\U0001f600"])


# --- the round's report --------------------------------------------------------------------------------------


def test_the_round_report_tells_ranking_agreement_and_what_was_decided(published):
    content = round_report(inside(published))
    text = text_of(content)

    assert [one for one in headings_of(content) if "、" in one[:2]] == [
        "一、概述", "二、总分与排名", "三、各维度得分", "四、得分分布", "五、稳健性", "六、评审一致性", "七、分歧、裁定与申诉",
        "八、计分方法与核验",
    ]  # fmt: skip
    assert re.search(r"1 \| 1(–2)? \| 甲市 \| 69.5 \| 97.0", text)
    assert "丙市 | 尚未提交填报" in text
    assert "本轮参评城市 3 个，已提交 2 个，参与排名 2 个" in text
    assert "附录 试验体系" in text


def test_where_ranks_are_not_shown_the_report_has_none(published):
    source = Source(published, View(published.round, published, ranks=False))
    text = text_of(round_report(source))

    assert "名次区间 |" not in text
    assert "稳健性" not in text
    assert "甲市 | 69.5" in text
    assert "列第" not in text_of(report(published, source=source))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([100, 99.96, 90], [("90–100", 3)]),
        ([60, 59.96], [("60–70", 2)]),  # 59.96 is shown as 60.0
        ([59.94, 75], [("50–60", 1), ("60–70", 0), ("70–80", 1)]),
    ],
)
def test_bands_follow_the_scores_as_they_are_shown(scores, expected):
    assert pictures.bands_of_ten(scores) == expected


# --- who gets which ------------------------------------------------------------------------------------------


def test_a_visitor_gets_the_public_version(client, published):
    response = client.get(address(published))

    assert response.status_code == 200
    assert "wordprocessingml" in response["Content-Type"]
    assert "评审意见" not in text_of(response.content)


def test_the_citys_own_staff_get_reasons_others_do_not(client, published):
    own = make.member(published.round.submissions.get(city__code="110000").city)
    other = make.member(published.round.submissions.get(city__code="120000").city)

    client.force_login(own)
    assert "四、评审意见" in text_of(client.get(address(published)).content)
    client.force_login(other)
    assert "评审意见" not in text_of(client.get(address(published)).content)


def test_before_publication_only_those_who_run_the_round(client, snapshot):
    whole = reverse("reports:round", args=[snapshot.round.code])
    assert client.get(address(snapshot)).url.startswith("/account/login/")
    client.force_login(make.member(snapshot.round.submissions.get(city__code="110000").city))
    assert [client.get(one).status_code for one in (address(snapshot), whole)] == [404, 404]
    for role in ("administrator", "moderator"):
        client.force_login(make.user(role))
        assert [client.get(one).status_code for one in (address(snapshot), whole)] == [200, 200]


def test_where_each_city_sees_its_own_only(client, snapshot):
    shown = publish(snapshot, Round.Audience.OWN)
    client.force_login(make.member(shown.round.submissions.get(city__code="110000").city))
    own = client.get(address(shown))

    text = text_of(own.content)
    assert "乙市" not in text
    assert "中位数" not in text
    assert "列第" not in text
    assert client.get(address(shown, "120000")).status_code == 404
    assert client.get(reverse("reports:round", args=[shown.round.code])).status_code == 404


def test_a_city_that_is_not_listed_is_in_no_public_report(client, published):
    published.round.submissions.filter(city__code="120000").update(is_listed=False)

    assert client.get(address(published, "120000")).status_code == 404
    assert "乙市" not in text_of(client.get(reverse("reports:round", args=[published.round.code])).content)


def test_a_download_is_on_record(client, published):
    person = make.user("administrator")
    client.force_login(person)
    client.get(address(published))

    assert AuditEntry.objects.get(action="download_report").actor == person


@pytest.mark.parametrize("wanted", ["x", "-1", "9" * 30, "999999"])
def test_a_result_that_is_not_there_is_not_found(client, published, wanted):
    assert client.get(address(published), {"snapshot": wanted}).status_code == 404


# --- rendered ------------------------------------------------------------------------------------------------


def test_libreoffice_renders_both(published, tmp_path):
    import pypdfium2

    office.soffice()
    for name, content, words in (
        ("city", report(published), ["甲市学习型城市评价报告", "四、评审意见", "六、计分方法与核验"]),
        ("round", round_report(inside(published)), ["二、总分与排名", "八、计分方法与核验", "附录"]),
    ):
        file = tmp_path / f"{name}.docx"
        file.write_bytes(content)
        with pypdfium2.PdfDocument(office.to_pdf(file, tmp_path / "pdf")) as pdf:
            pages = [page.get_textpage().get_text_bounded() for page in pdf]
        text = "".join(pages).replace("\n", "").replace("\r", "").replace(" ", "")
        assert 2 <= len(pages) <= 12
        assert [one for one in words if one not in text] == []
        assert all(str(published.round) in page.replace(" ", "") for page in pages)
