"""The editor of a draft: what it stores, what two people at once get, what can be taken back, who may."""

import re
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from indicators import actions, drafts, editing, editor, proportions, storable, trial
from indicators.editing import Edit, EditRefused
from indicators.exporters import data_of
from indicators.models import Framework, FrameworkChange, Indicator
from indicators.reference import reference_framework
from indicators.tree import errors, validate
from tests import make

database = pytest.mark.django_db


@pytest.fixture
def draft():
    return make.framework(published=False)


@pytest.fixture
def admin():
    return make.user("administrator", display_name="张三")


def key(framework: Framework, code: str) -> int:
    return framework.indicators.get(code=code).pk


def seen(framework: Framework, code: str) -> dict[str, str]:
    """The fingerprints that a page opened now would carry."""
    node = drafts.load_draft(framework).nodes[key(framework, code)]
    return {name: drafts.fingerprint(value) for name, value in node.items()}


def save(framework: Framework, code: str, stamps: dict[str, str] | None = None, /, *, by=None, **typed):
    pk = key(framework, code)
    edit = Edit(typed, stamps or seen(framework, code))
    return editing.save_nodes(framework=framework, edits={pk: edit}, by=by)[pk]


def codes(framework: Framework) -> list[str]:
    """Codes in the order of the table, indented by depth."""
    loaded = drafts.load_draft(framework)
    return ["." * depth + loaded.nodes[one]["code"] for one, depth in loaded.preorder()]


def address(framework: Framework, name: str = "edit", *args) -> str:
    return reverse(f"framework:{name}", args=[framework.code, framework.edition, *args])


# --- fields ------------------------------------------------------------------------------------------------


@database
def test_fields_are_stored_and_recorded_in_words(draft, admin):
    outcome = save(draft, "A1", name_zh=" 经费 ", points="３５", unit="元", by=admin)
    stored = draft.indicators.get(code="A1")
    assert (outcome.saved, stored.name_zh, stored.points, stored.unit) == (
        ["name_zh", "points", "unit"], "经费", Decimal(35), "元",
    )  # fmt: skip
    change = draft.changes.get()
    assert change.actor == admin
    assert change.summary == "“A1 指标A1”：名称由“指标A1”改为“经费”，分值由“30”改为“35”，单位由“%”改为“元”"


@database
def test_a_half_typed_curve_is_kept_and_marked(draft):
    assert save(draft, "A1", curve="0:0|50:").status == 200
    assert draft.indicators.get(code="A1").curve == "0:0|50:"
    found = editor.check(drafts.load_draft(draft)).of(key(draft, "A1"))
    assert any(finding.is_error and "评分曲线" in finding.text for finding in found)


@database
@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("points", "abc", "不是数字"),
        ("points", "-1", "不小于 0"),
        ("points", "0.1234567890123456", "最多保留 15 位小数"),
        ("code", "A/1", "斜杠"),
        ("code", "", "不能为空"),
        ("code", "TOTAL", "保留的编号"),
        ("code", "A2", "已被本草案的另一个指标使用"),
        ("kind", "nonsense", "列表"),
        ("unit", "单" * 33, "超出 1 字"),
        ("evidence_min", "1.5", "整数"),
        ("evidence_kinds", "pdf、exe", "不是可用的材料类型：exe"),
        ("evidence_max_mb", "0", "1 到 1000 之间的整数"),
        ("evidence_years", "两年", "不是数字"),
    ],
)
def test_what_cannot_be_stored_is_said_and_the_rest_is_stored(draft, field, typed, words):
    outcome = save(draft, "A1", **{field: typed, "basis": "文件"})
    assert words in outcome.refused[field]
    assert (outcome.status, outcome.saved) == (422, ["basis"])
    assert draft.indicators.get(code="A1").basis == "文件"


@database
def test_weights_are_kept_digit_for_digit(draft):
    save(draft, "A1", points="12345678901234.123456789012345")
    assert str(draft.indicators.get(code="A1").points) == "12345678901234.123456789012345"


@database
def test_levels_and_items_are_replaced_as_typed(draft):
    levels = [["优", "优秀", "80", "100", "好"], ["", "", "", "", ""], ["差", "", "0", "79", ""]]
    assert save(draft, "A2", levels=levels).status == 200
    assert [(one.level, one.score_min) for one in draft.indicators.get(code="A2").level_list] == [
        ("优", 80),
        ("差", 0),
    ]
    assert save(draft, "B1", items=[["1", "100", "甲"]]).status == 200
    assert "重复" in save(draft, "A2", levels=[levels[0], levels[0]]).refused["levels"]
    assert "最低分不高于最高分" in save(draft, "A2", levels=[["A", "", "9", "3", ""]]).refused["levels"]


@database
def test_two_codes_can_be_exchanged_at_once(draft):
    edits = {
        key(draft, one): Edit({"code": other}, seen(draft, one))
        for one, other in (("A1", "A2"), ("A2", "A1"))
    }
    outcomes = editing.save_nodes(framework=draft, edits=edits, by=None)
    assert {outcome.status for outcome in outcomes.values()} == {200}
    assert codes(draft) == ["A", ".A2", ".A1", "B", ".B1", "H", ".H1"]


@database
def test_a_published_edition_is_refused_in_words_and_by_the_database(admin):
    published = make.framework()
    with pytest.raises(EditRefused, match="已发布"):
        save(published, "A1", name_zh="新")
    with pytest.raises(IntegrityError), transaction.atomic():
        Indicator.objects.filter(framework=published).update(name_zh="新")
    assert not FrameworkChange.objects.exists()


# --- two at once -------------------------------------------------------------------------------------------


@database
def test_different_fields_of_one_node_merge(draft):
    page = seen(draft, "A1")
    save(draft, "A1", page, name_zh="他们的", unit="%")
    assert save(draft, "A1", page, name_zh="指标A1", unit="元").saved == ["unit"]
    stored = draft.indicators.get(code="A1")
    assert (stored.name_zh, stored.unit) == ("他们的", "元")


@database
def test_the_same_field_is_a_conflict_that_a_person_decides(draft):
    page = seen(draft, "A1")
    save(draft, "A1", page, name_zh="他们的")
    outcome = save(draft, "A1", page, name_zh="我的", unit="元")
    (conflict,) = outcome.conflicts
    assert (outcome.status, conflict.mine, conflict.theirs, outcome.saved) == (
        409,
        "我的",
        "他们的",
        ["unit"],
    )
    assert draft.indicators.get(code="A1").name_zh == "他们的"
    save(draft, "A1", {**page, "name_zh": conflict.stamp}, name_zh="我的")
    assert draft.indicators.get(code="A1").name_zh == "我的"


@database
def test_who_deleted_a_node_meanwhile_is_said(draft, admin):
    page, pk = seen(draft, "A1"), key(draft, "A1")
    editing.delete_node(framework=draft, key=pk, by=admin)
    edit = Edit({"name_zh": "我的"}, page)
    outcome = editing.save_nodes(framework=draft, edits={pk: edit}, by=None)[pk]
    assert (outcome.status, "“A1 指标A1”已被张三删除" in outcome.gone) == (409, True)
    for call in (editing.delete_node, lambda **rest: editing.move_node(direction="up", **rest)):
        with pytest.raises(EditRefused, match="已被张三删除"):
            call(framework=draft, key=pk, by=None)


@database
def test_a_node_moved_elsewhere_meanwhile_is_not_moved_again(draft):
    pk, parent = key(draft, "A2"), drafts.fingerprint(key(draft, "A"))
    editing.move_node(framework=draft, key=pk, direction="out", seen_parent=parent, by=None)
    with pytest.raises(EditRefused, match="刚被他人移动为维度"):
        editing.move_node(framework=draft, key=pk, direction="up", seen_parent=parent, by=None)
    assert codes(draft) == ["A", ".A1", "A2", "B", ".B1", "H", ".H1"]


@database
def test_settings_merge_and_conflict_like_fields(draft):
    page = {name: drafts.fingerprint(value) for name, value in drafts.load_draft(draft).settings.items()}
    first = editing.save_settings(
        framework=draft, edit=Edit({"bonus_cap": "5", "minimum_share": "0.67"}, page), by=None
    )
    second = editing.save_settings(
        framework=draft, edit=Edit({"bonus_cap": "6", "missing": "exclude"}, page), by=None
    )
    draft.refresh_from_db()
    assert (first.status, second.status) == (200, 409)
    assert (draft.bonus_cap, draft.minimum_share, draft.missing) == (5, 0.67, "exclude")
    bad = editing.save_settings(
        framework=draft, edit=Edit({"floor": "0", "minimum_share": "2"}, page), by=None
    )
    assert set(bad.refused) == {"floor", "minimum_share"}


# --- structure ---------------------------------------------------------------------------------------------


@database
def test_moving_takes_everything_below_along(draft):
    def move(code: str, direction: str) -> list[str]:
        editing.move_node(framework=draft, key=key(draft, code), direction=direction, by=None)
        return codes(draft)

    assert move("B", "up") == ["B", ".B1", "A", ".A1", ".A2", "H", ".H1"]
    assert move("A", "in") == ["B", ".B1", ".A", "..A1", "..A2", "H", ".H1"]
    assert move("A2", "out") == ["B", ".B1", ".A", "..A1", ".A2", "H", ".H1"]
    assert move("A2", "up") == ["B", ".B1", ".A2", ".A", "..A1", "H", ".H1"]
    positions = list(draft.indicators.order_by("position").values_list("code", flat=True))
    assert positions == [code.strip(".") for code in codes(draft)]
    for code, direction in (("B", "up"), ("H", "down"), ("B", "out"), ("B1", "in")):
        with pytest.raises(EditRefused):
            move(code, direction)


@database
def test_a_leaf_that_gets_a_child_is_a_leaf_no_longer(draft):
    added = editing.add_node(framework=draft, parent=key(draft, "A1"), by=None)
    assert draft.indicators.get(code="A1").kind == ""
    assert draft.indicators.get(pk=added).code == "A1.1"
    sibling = editing.add_node(framework=draft, parent=key(draft, "A"), after=key(draft, "A1"), by=None)
    assert codes(draft)[:5] == ["A", ".A1", "..A1.1", ".A3", ".A2"]
    assert draft.indicators.get(pk=sibling).code == "A3"


@pytest.mark.parametrize(
    ("siblings", "parent", "expected"),
    [([], "", "A"), (["A", "B"], "", "C"), ([], "A", "A1"), (["A1", "A2"], "A", "A3"), ([], "A1", "A1.1"), (["X9"], "X", "X11")],
)  # fmt: skip
def test_codes_go_on_from_the_siblings(siblings, parent, expected):
    assert storable.next_code(siblings, parent, {*siblings, "X10"}) == expected


@database
def test_an_indicator_that_a_pilot_uses_cannot_be_deleted(draft):
    make.submission(in_round=make.round_(draft))
    with pytest.raises(EditRefused, match="已有填报"):
        editing.delete_node(framework=draft, key=key(draft, "A"), by=None)
    assert len(codes(draft)) == 7


# --- sums --------------------------------------------------------------------------------------------------


@database
def test_sums_in_the_words_of_the_checks(draft):
    save(draft, "A1", points="28")
    loaded = drafts.load_draft(draft)
    line = proportions.sum_lines(loaded)[key(draft, "A")]
    assert (line.text, line.is_wrong) == ("A 下合计 58 分，比 60 分少 2 分——不能发布", True)
    assert len(editor.check(loaded).errors) == 1
    assert len(errors(validate(data_of(draft), for_publishing=True))) == 1


@database
def test_a_group_is_scaled_to_its_parent(draft):
    save(draft, "A1", points="1")
    save(draft, "A2", points="2")
    editing.normalise_group(framework=draft, parent=key(draft, "A"), by=None)
    assert [str(draft.indicators.get(code=code).points) for code in ("A1", "A2")] == ["20", "40"]
    save(draft, "A2", points="")
    with pytest.raises(EditRefused, match=r"A2.*还没有填分值"):
        editing.normalise_group(framework=draft, parent=key(draft, "A"), by=None)


@given(
    st.lists(st.decimals(min_value=0, max_value=1000, places=4), min_size=1, max_size=30).filter(any),
    st.decimals(min_value="0.01", max_value=1000, places=5),
)
def test_scaled_shares_add_up_to_the_last_digit_and_stay_in_proportion(values, target):
    made = proportions.largest_remainder(values, target, places=2)
    unit = max(-int(one.as_tuple().exponent) for one in made)
    assert sum(made) == target
    assert unit <= 15
    total = sum(values)
    assert all(
        abs(one - value * target / total) <= Decimal(10) ** -unit * Decimal("1.000001")
        for one, value in zip(made, values, strict=True)
    )
    assert all(one > 0 for one, value in zip(made, values, strict=True) if value) or unit == 15


def test_thirds_of_weights_have_four_decimals():
    shares = proportions.Shares("weight", dict.fromkeys((1, 2, 3), Decimal("0.3")), None, ("a", "b", "c"))
    assert proportions.scaled(shares) == {1: "0.3334", 2: "0.3333", 3: "0.3333"}


@database
def test_a_proposal_of_weights_is_one_change(draft):
    shares = {"A": Decimal("0.6"), "B": Decimal("0.4")}
    editing.set_shares(framework=draft, column="weight", shares=shares, summary="采用 AHP 权重", by=None)
    assert [(one.code, one.weight, one.points) for one in draft.indicators.filter(parent=None)][:2] == [
        ("A", Decimal("0.6"), None), ("B", Decimal("0.4"), None),
    ]  # fmt: skip
    assert draft.changes.get().summary == "采用 AHP 权重"


# --- taking back -------------------------------------------------------------------------------------------


@database
def test_every_kind_of_change_can_be_taken_back_one_after_the_other(draft, admin):
    before = [data_of(draft)]

    def step(call, **arguments) -> None:
        call(framework=draft, by=admin, **arguments)
        draft.refresh_from_db()
        before.append(data_of(draft))

    save(draft, "A2", levels=[["A", "", "0", "100", ""]])
    before.append(data_of(draft))
    step(editing.add_node, parent=key(draft, "A1"))
    step(editing.move_node, key=key(draft, "B1"), direction="out")
    step(editing.delete_node, key=key(draft, "A"))
    settings = Edit({"floor": "2"}, {"floor": drafts.fingerprint(1.0)})
    step(editing.save_settings, edit=settings)
    pks = set(draft.indicators.values_list("pk", flat=True))
    for expected in reversed(before[:-1]):
        change = editing.undo(framework=draft, number=editing.last_change(draft).number, by=admin)
        draft.refresh_from_db()
        assert data_of(draft) == expected
        assert change.undoes is not None
    assert editing.last_change(draft) is None
    assert pks <= set(draft.indicators.values_list("pk", flat=True))
    assert draft.changes.count() == 10
    with pytest.raises(EditRefused, match="没有可以撤销"):
        editing.undo(framework=draft, number=1, by=admin)


@database
def test_only_the_change_that_was_shown_is_taken_back(draft, admin):
    save(draft, "A1", name_zh="一")
    shown = editing.last_change(draft).number
    save(draft, "A2", name_zh="二", by=admin)
    with pytest.raises(EditRefused, match=r"此后另有改动.*张三"):
        editing.undo(framework=draft, number=shown, by=None)
    Indicator.objects.filter(framework=draft, code="A2").update(name_zh="在后台改的")
    with pytest.raises(EditRefused, match="在别处"):
        editing.undo(framework=draft, number=shown + 1, by=None)
    assert draft.indicators.get(code="A2").name_zh == "在后台改的"


# --- the try-it box ----------------------------------------------------------------------------------------


def tried(framework: Framework, code: str, **given) -> trial.Trial:
    return trial.try_out(drafts.load_draft(framework), key(framework, code), trial.Tried(**given))


@database
def test_each_kind_is_tried_out_by_the_engine(draft):
    curve = tried(draft, "A1", value="35")
    assert (curve.score, round(curve.points, 9)) == (56, 16.8)
    assert curve.words[0] == "35 在 0 与 50 之间：0 + (80 − 0) × (35 − 0) ÷ (50 − 0) = 56 分"
    assert "最后一个节点" in tried(draft, "A1", value="120").words[0]
    assert tried(draft, "A2", level="B").score == 89
    assert tried(draft, "A2", level="B", value="80").score == 80
    assert tried(draft, "A2", level="B", value="95").troubles
    assert tried(draft, "B1", items=("1",)).score == 60
    bonus = tried(draft, "H1", value="9")
    assert (bonus.score, bonus.points) == (None, 5)
    assert "不是数字" in tried(draft, "A1", value="约 30").troubles[0]


@database
def test_a_logarithmic_curve_and_a_comparison_across_the_round(draft):
    save(draft, "A1", curve="log;1:0|100:100")
    logarithmic = tried(draft, "A1", value="10")
    assert logarithmic.score == pytest.approx(50)
    assert "ln 10" in logarithmic.words[0]
    save(draft, "A1", normalise="minmax", direction="-1")
    assert trial.depends_on_others(drafts.load_draft(draft).nodes[key(draft, "A1")])
    across = tried(draft, "A1", value="10", others="20, 30；40")
    assert (across.score, [score for _x, score in across.samples]) == (
        100,
        pytest.approx([100, 200 / 3, 100 / 3, 0]),
    )
    assert tried(draft, "A1", value="10").troubles


@database
def test_points_are_left_out_while_the_weights_make_no_tree(draft):
    save(draft, "A2", points="")
    result = tried(draft, "A1", value="50")
    assert (result.score, result.points) == (80, None)


# --- pages -------------------------------------------------------------------------------------------------


def stamp(page: str, pk: int) -> str:
    return re.search(rf'name="seen-{pk}" value="([^"]*)"', page)[1]


@pytest.mark.parametrize(
    ("role", "status"), [("city", 404), ("reviewer", 404), ("moderator", 404), ("administrator", 200)]
)
@database
def test_the_editor_is_for_administrators(client, draft, role, status):
    client.force_login(make.user(role))
    for url in (
        address(draft),
        address(draft, "edit-node", "A1"),
        address(draft, "edit-settings"),
        address(draft, "edit-changes"),
    ):
        assert client.get(url).status_code == status
    if status == 404:
        assert client.post(address(draft), {"do": "child-0"}).status_code == 404
        assert client.post(address(draft, "edit-undo", 1)).status_code == 404
        assert len(codes(draft)) == 7


@database
def test_a_published_edition_has_no_editor(client, admin):
    client.force_login(admin)
    published = make.framework()
    assert client.get(address(published)).status_code == 403
    assert client.post(address(published), {"do": "child-0"}).status_code == 403
    assert "/edit/" not in client.get(address(published, "detail")).content.decode()
    assert address(make.framework(published=False))


@database
def test_the_edition_leads_to_its_editor(client, admin, draft):
    client.force_login(admin)
    assert address(draft) in client.get(address(draft, "detail")).content.decode()


@database
def test_another_framework_is_not_reached_by_key(client, admin, draft):
    client.force_login(admin)
    other = make.framework(published=False)
    pk = key(other, "A1")
    response = client.post(address(draft, "edit-row", pk), {f"seen-{pk}": "", f"name_zh-{pk}": "越界"})
    assert response.status_code == 409
    assert client.post(address(draft), {"do": f"up-{key(other, 'A2')}"}).status_code == 409
    assert "越界" not in Indicator.objects.filter(framework=other).values_list("name_zh", flat=True)
    assert codes(other) == ["A", ".A1", ".A2", "B", ".B1", "H", ".H1"]


@database
def test_a_row_saved_by_itself_brings_the_sums_along(client, admin, draft):
    client.force_login(admin)
    pk = key(draft, "A1")
    page = client.get(address(draft)).content.decode()
    data = {f"seen-{pk}": stamp(page, pk), f"points-{pk}": "28"}
    response = client.post(address(draft, "edit-row", pk), data, headers={"HX-Request": "true"})
    text = response.content.decode()
    assert response.status_code == 200
    assert f'id="sum-{key(draft, "A")}"' in text
    assert "A 下合计 58 分，比 60 分少 2 分——不能发布" in text
    assert "还有 1 处需要处理才能发布" in text


@database
def test_a_row_in_conflict_shows_both_and_keeps_what_was_typed(client, admin, draft):
    client.force_login(admin)
    pk = key(draft, "A1")
    seen_then = stamp(client.get(address(draft)).content.decode(), pk)
    save(draft, "A1", name_zh="他们的")
    data = {f"seen-{pk}": seen_then, f"name_zh-{pk}": "我的<b>", f"unit-{pk}": "元"}
    response = client.post(address(draft, "edit-row", pk), data, headers={"HX-Request": "true"})
    text = response.content.decode()
    assert response.status_code == 409
    assert "您填的是“我的&lt;b&gt;”，他人刚改为“他们的”" in text
    assert 'value="我的&lt;b&gt;"' in text
    keep = re.search(rf'name="keep-{pk}" value="([^"]*)"', text)[1]
    again = {**data, f"seen-{pk}": stamp(text, pk), f"keep-{pk}": keep}
    assert (
        client.post(address(draft, "edit-row", pk), again, headers={"HX-Request": "true"}).status_code == 200
    )
    assert draft.indicators.get(code="A1").name_zh == "我的<b>"


@database
def test_without_javascript_everything_is_saved_before_a_button_acts(client, admin, draft):
    client.force_login(admin)
    page = client.get(address(draft)).content.decode()
    one, two = key(draft, "A1"), key(draft, "A2")
    data = {
        f"seen-{one}": stamp(page, one),
        f"name_zh-{one}": "新一",
        f"seen-{two}": stamp(page, two),
        f"name_zh-{two}": "新二",
    }
    response = client.post(address(draft), {**data, "do": f"up-{two}"})
    assert response["Location"] == f"{address(draft)}#n{two}"
    assert codes(draft)[:3] == ["A", ".A2", ".A1"]
    assert set(draft.indicators.filter(code__in=["A1", "A2"]).values_list("name_zh", flat=True)) == {
        "新一",
        "新二",
    }


@database
def test_without_javascript_a_bad_number_keeps_what_was_typed_and_holds_the_button(client, admin, draft):
    client.force_login(admin)
    page = client.get(address(draft)).content.decode()
    pk = key(draft, "A2")
    data = {f"seen-{pk}": stamp(page, pk), f"points-{pk}": "三十", "do": f"up-{pk}"}
    response = client.post(address(draft), data)
    text = response.content.decode()
    assert response.status_code == 422
    assert 'value="三十"' in text
    assert "<title>错误：" in text
    assert f'href="#points-{pk}"' in text
    assert codes(draft)[1] == ".A1"


@database
def test_the_page_of_a_node_stores_texts_levels_and_their_order(client, admin, draft):
    client.force_login(admin)
    url = address(draft, "edit-node", "A2")
    page = client.get(url).content.decode()
    columns = ("level", "label", "score_min", "score_max", "descriptor")
    levels = [["差", "", "0", "59", ""], ["优", "", "60", "100", ""]]
    data = {f"levels-{name}": [row[at] for row in levels] for at, name in enumerate(columns)}
    data |= {"levels-shown": "1", "definition": "口径\r\n二行", "seen": re.search(r'id="seen" name="seen" value="([^"]*)"', page)[1],
             "node": key(draft, "A2"), "then": "levels-up-1"}  # fmt: skip
    assert client.post(url, data).status_code == 302
    stored = draft.indicators.get(code="A2")
    assert [one.level for one in stored.level_list] == ["优", "差"]
    assert stored.definition == "口径\n二行"
    save(draft, "A2", definition="他们的")
    response = client.post(url, {**data, "definition": "我的", "then": "stay"})
    assert response.status_code == 409
    assert "他们的" in response.content.decode()
    assert "我的</textarea>" in response.content.decode()


@database
def test_a_node_deleted_under_the_page_gives_back_what_was_typed(client, admin, draft):
    client.force_login(admin)
    pk = key(draft, "A1")
    editing.delete_node(framework=draft, key=pk, by=admin)
    response = client.post(
        address(draft, "edit-node", "A1"), {"node": pk, "definition": "写了很久", "seen": ""}
    )
    assert response.status_code == 409
    assert "已被张三删除" in response.content.decode()
    assert "写了很久" in response.content.decode()
    assert client.get(address(draft, "edit-node", "A1")).status_code == 404


@database
def test_the_delete_page_says_what_goes(client, admin, draft):
    client.force_login(admin)
    page = client.get(address(draft, "edit-delete", "A")).content.decode()
    assert "其下 2 个指标会一并删除" in page
    assert len(codes(draft)) == 7
    client.post(address(draft, "edit-delete", "A"))
    assert codes(draft) == ["B", ".B1", "H", ".H1"]
    client.post(address(draft, "edit-undo", 1))
    assert len(codes(draft)) == 7
    client.post(address(draft, "edit-undo", 1))
    assert len(codes(draft)) == 7, "a double click takes back nothing more"
    assert "撤销 #1" in client.get(address(draft, "edit-changes")).content.decode()


@database
def test_settings_page_keeps_what_cannot_be_stored(client, admin, draft):
    client.force_login(admin)
    url = address(draft, "edit-settings")
    stamps = re.search(r'name="seen" value="([^"]*)"', client.get(url).content.decode())[1]
    response = client.post(url, {"seen": stamps, "rank_decimals": "12", "aggregation": "geometric"})
    assert response.status_code == 422
    assert 'value="12"' in response.content.decode()
    draft.refresh_from_db()
    assert (draft.rank_decimals, draft.aggregation) == (9, "geometric")


@database
def test_the_plot_follows_what_is_typed_and_stores_nothing(client, admin, draft):
    client.force_login(admin)
    url = address(draft, "edit-curve")
    assert "<polyline" in client.get(url, {"curve": "log;1:0|10:100"}).content.decode()
    half = client.get(url, {"curve": "0:0|50:"}).content.decode()
    assert "不是数字" in half
    assert "<polyline" not in half
    assert not draft.changes.exists()


@database
@pytest.mark.parametrize("leaves", [1, 40])
def test_queries_do_not_grow(client, admin, django_assert_num_queries, leaves):
    made = Framework.objects.create(code="Q", edition="1", name_zh="多")
    top = Indicator.objects.create(framework=made, code="A", position=10, name_zh="甲")
    Indicator.objects.bulk_create(
        Indicator(
            framework=made,
            parent=top,
            code=f"A{n}",
            position=20 + n,
            name_zh="末级",
            kind="quantity",
            points=1,
        )
        for n in range(leaves)
    )
    client.force_login(admin)
    client.get(address(made, "edit-settings"))  # whatever the first request of a session does besides
    with django_assert_num_queries(7):
        client.get(address(made))
    with django_assert_num_queries(7):
        client.get(address(made, "edit-node", "A0"))


@database
def test_a_copy_of_the_reference_framework_passes_the_check(client, admin):
    made = actions.import_framework(reference_framework()).framework
    client.force_login(admin)
    assert "检查通过，可以发布" in client.get(address(made)).content.decode()
