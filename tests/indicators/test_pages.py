"""The pages of the frameworks, for each kind of reader."""

import json
import re

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from indicators import actions, charts
from indicators.importers import read_framework
from indicators.models import Framework, Indicator
from indicators.queries import load_tree
from indicators.reference import reference_framework
from tests import make
from tests.indicators.books import change, sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def city_user():
    return make.member(make.city())


@pytest.fixture
def draft():
    return actions.import_framework(change(sound(), "A1", points=None)).framework


def address(name: str, framework: Framework) -> str:
    return reverse(f"framework:{name}", args=[framework.code, framework.edition])


@pytest.mark.parametrize("name", ["detail", "export"])
def test_anonymous_is_sent_to_sign_in(client, name):
    url = address(name, make.framework())
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('account:login')}?next={url}"


def test_anonymous_is_sent_from_the_list_to_sign_in(client):
    assert client.get(reverse("framework:list")).status_code == 302


@pytest.mark.parametrize("role", ["city", "reviewer", "moderator", "administrator"])
@pytest.mark.parametrize("name", ["detail", "export"])
def test_everybody_signed_in_reads_a_published_edition(client, role, name):
    client.force_login(make.user(role))
    assert client.get(address(name, make.framework())).status_code == 200


@pytest.mark.parametrize(
    ("role", "status"), [("city", 404), ("reviewer", 404), ("moderator", 404), ("administrator", 200)]
)
@pytest.mark.parametrize("name", ["detail", "export"])
def test_a_draft_is_for_administrators(client, draft, role, status, name):
    client.force_login(make.user(role))
    assert client.get(address(name, draft)).status_code == status


def test_an_edition_that_is_not_there(client, city_user):
    client.force_login(city_user)
    assert client.get(reverse("framework:detail", args=["none", "1"])).status_code == 404


def test_pages_are_only_read(client, city_user):
    client.force_login(city_user)
    framework = make.framework()
    for name in ("detail", "export"):
        assert client.post(address(name, framework)).status_code == 405


def test_the_list_shows_drafts_to_administrators_only(client, city_user, draft):
    published = make.framework(name_zh="已发布的体系")
    for person, seen in ((city_user, False), (make.user("administrator"), True)):
        client.force_login(person)
        page = client.get(reverse("framework:list")).content.decode()
        assert address("detail", published) in page
        assert (address("detail", draft) in page) is seen


def test_an_empty_list_says_what_comes_next(client, city_user):
    client.force_login(city_user)
    assert (
        "暂无已发布的指标体系。管理员导入并发布后会显示在这里。"
        in client.get(reverse("framework:list")).content.decode()
    )


@pytest.fixture
def reference():
    return actions.import_framework(reference_framework(), publish=True).framework


def test_the_detail_page_says_how_everything_is_measured(client, city_user, reference):
    client.force_login(city_user)
    page = client.get(address("detail", reference)).content.decode()
    assert "参考稿 — 非附录原文" in page
    assert page.index("参考稿 — 非附录原文") < page.index("<table")
    for words in (
        "7 个维度，55 个计分的末级指标；另有 1 个加分项，至多 5 分",
        "0 元/人·年得 0 分，2 元/人·年得 60 分，4 元/人·年得 100 分；节点之间按直线插值，两端以外取端点得分",
        "评分曲线：数值越小，得分越高",
        "90–100",
        "设有领导机构，会议不定期，主要由教育部门推动",
        "全部县（市、区）同步开展（县级市为全部乡镇、街道）",
        "社区教育示范区评估标准（试行）：不低于2元",
        "三级财政预算批复与决算（专项科目）、拨款凭证",
        "至多 5",
    ):
        assert words in page, words
    assert page.count('<tr class="depth-0"') == 8
    assert page.count('<svg class="curve-plot"') == page.count("<polyline") == 34
    assert re.search(
        r'id="i-C3.1">.*?<td class="num">53\.85%</td>\s*<td class="num">3\.5%</td>\s*<td class="num">3\.5</td>',
        page,
        re.DOTALL,
    )


def test_pages_carry_no_inline_style_and_no_script(client, city_user, reference):
    client.force_login(city_user)
    for url in (reverse("framework:list"), address("detail", reference)):
        main = client.get(url).content.decode().split("<main")[1].split("</main")[0]
        scripts = re.findall(r"<script[^>]*>", main)
        assert all('type="application/json"' in script for script in scripts)  # data only
        assert not re.search(r"\sstyle=|<style|\son\w+=", main)


def test_a_draft_that_does_not_add_up_says_so_and_still_shows(client, draft):
    client.force_login(make.user("administrator"))
    page = client.get(address("detail", draft)).content.decode()
    assert "本草案还不能计算权重：指标A1缺少权重。" in page
    assert "—" in page


@pytest.mark.parametrize("values", [{"curve": "0:0"}, {"normalise": "x"}, {"parent": "self"}])
def test_a_draft_spoilt_by_hand_still_shows(client, values):
    framework = actions.import_framework(sound()).framework
    node = framework.indicators.get(code="A1")
    if values.pop("parent", None):
        values["parent"] = node
    Indicator.objects.filter(pk=node.pk).update(**values)
    client.force_login(make.user("administrator"))
    assert client.get(address("detail", framework)).status_code == 200


def test_text_from_a_workbook_is_escaped(client, city_user):
    framework = actions.import_framework(
        change(sound(), "A1", definition="<script>alert(1)</script>"), publish=True
    ).framework
    client.force_login(city_user)
    page = client.get(address("detail", framework)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_download_is_the_workbook_and_is_noted(client, city_user, reference):
    client.force_login(city_user)
    response = client.get(address("export", reference))
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    assert "learning-city-draft-1.xlsx" in response["Content-Disposition"]
    assert read_framework(response.content).data == reference_framework()
    assert AuditEntry.objects.get(action="framework.export").actor == city_user


def small() -> Framework:
    return make.framework()


def whole() -> Framework:
    return actions.import_framework(reference_framework(), publish=True).framework


@pytest.mark.parametrize("made", [small, whole])
def test_the_detail_page_asks_a_constant_number_of_questions(
    client, city_user, made, django_assert_num_queries
):
    framework = made()
    client.force_login(city_user)
    with django_assert_num_queries(
        7
    ):  # session, user; framework, its other editions; indicators, levels, items
        client.get(address("detail", framework))


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_a_constant_number_of_questions(client, city_user, count, django_assert_num_queries):
    for _ in range(count):
        make.framework()
    client.force_login(city_user)
    with django_assert_num_queries(4):  # session, user; frameworks; consultations
        client.get(reverse("framework:list"))


# --- how the weights are shared ------------------------------------------------------------------------------


def icicle(framework: Framework):
    """The figure, valid for plotly's schema and serialisable."""
    import plotly.graph_objects as go

    figure = charts.weights(load_tree(framework))
    data = json.loads(json.dumps(figure["data"], allow_nan=False))
    go.Figure(data=data["data"], layout=data["layout"])
    assert all(len(row) == len(figure["table"]["columns"]) for row in figure["table"]["rows"])
    (trace,) = data["data"]
    columns = (trace[name] for name in ("parents", "values", "text", "labels", "hovertext"))
    assert {len(column) for column in (*columns, trace["marker"]["colors"])} == {len(trace["ids"])}
    return figure, trace


def test_the_icicle_shows_the_weights_and_says_which_is_largest(reference):
    figure, trace = icicle(reference)
    assert sum(trace["values"]) == pytest.approx(100)
    assert len(trace["ids"]) == len(set(trace["ids"])) == 1 + 7 + 22 + 55  # without the bonus
    assert trace["parents"][trace["ids"].index("A1.1")] == "A1"
    assert trace["values"][trace["ids"].index("A1.1")] == pytest.approx(2)
    assert figure["finding"] == (
        "权重最大的维度是“C 终身教育体系”（18 分）；"
        "末级指标中权重最大的是“C3.1 从业人员继续教育年参与率”（3.5 分），最小的为 1 分。"
    )  # fmt: skip
    assert figure["table"]["rows"][2] == ["C 终身教育体系", "18", 10]
    assert "参考稿 — 非附录原文" in figure["source"]


def test_equal_weights_are_said_to_be_equal(db):
    figure, _trace = icicle(make.tree("A - 1 quantity\nB - 1 quantity"))
    assert figure["finding"] == "各维度权重相同，均为 50 分；各末级指标权重相同。"


def test_names_in_the_icicle_are_no_mark_up(db):
    framework = actions.import_framework(change(sound(), "A", name_zh="<b>粗</b>")).framework
    _figure, trace = icicle(framework)
    assert "<b>" not in "".join(trace["labels"] + trace["hovertext"])
    assert "&lt;b&gt;" in "".join(trace["labels"])


def test_a_draft_without_weights_has_no_icicle(client, draft):
    assert charts.weights(load_tree(draft)) is None
    client.force_login(make.user("administrator"))
    assert 'class="figure"' not in client.get(address("detail", draft)).content.decode()


def test_the_icicle_stands_beside_the_table(client, city_user, reference):
    client.force_login(city_user)
    page = client.get(address("detail", reference)).content.decode()
    assert 'id="plotly.js-style-global"' in page
    assert page.index('class="table tree-table"') < page.index('data-chart="weights"')
    assert "权重最大的维度是“C 终身教育体系”" in page
