"""An edition's life: copied, compared, checked, published once, retired; old rounds keep theirs."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from indicators import actions, editions
from indicators.diffs import compare, marks, summary
from indicators.edition_queries import readiness
from indicators.exporters import data_of
from indicators.models import Framework, Indicator
from indicators.reference import reference_framework
from indicators.tree import canonical
from scoring.forms import RoundForm
from tests import make
from tests.indicators.books import change, change_item, change_level, quantity, sound
from tests.indicators.test_import_export import frameworks

D = Decimal


def address(name: str, framework: Framework) -> str:
    return reverse(f"framework:{name}", args=[framework.code, framework.edition])


@pytest.fixture
def administrator(db):
    return make.user("administrator")


@pytest.fixture
def admin_client(client, administrator):
    client.force_login(administrator)
    return client


@pytest.fixture
def published(db):
    return actions.import_framework(sound(), publish=True).framework


@pytest.fixture
def draft(published):
    return editions.copy_edition(source=published, edition="2", by=None)


def page_of(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


# --- the name of the next edition --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edition", "taken", "expected"),
    [
        ("draft-1", [], "draft-2"),
        ("draft-1", ["draft-2", "draft-3"], "draft-4"),
        ("2025", [], "2026"),
        ("2025年版", [], "2026年版"),
        ("v1.9", [], "v1.10"),
        ("v09", [], "v10"),
        ("第一版", [], "第一版-2"),
        ("第一版", ["第一版-2"], "第一版-3"),
        ("征" * 64, [], "征" * 60 + "-2"),
    ],
)
def test_the_next_name(edition, taken, expected):
    assert editions.next_edition(edition, taken) == expected


# --- copying -----------------------------------------------------------------------------------------------


def test_a_copy_holds_everything_and_knows_where_it_comes_from(db, administrator):
    source = actions.import_framework(reference_framework(), publish=True).framework
    made = editions.copy_edition(source=source, edition="draft-2", by=administrator)

    assert data_of(made) == replace(data_of(source), edition="draft-2")
    assert made.is_draft
    assert made.based_on == source
    positions = [list(one.indicators.values_list("code", "position")) for one in (source, made)]
    assert positions[0] == positions[1]
    entry = AuditEntry.objects.get(action="framework.copy")
    assert (entry.actor, entry.detail["copied_from"], entry.detail["edition"]) == (
        administrator, "draft-1", "draft-2",
    )  # fmt: skip


def test_the_copy_changes_alone(published, draft):
    before = data_of(published)
    draft.indicators.filter(code="A1").update(unit="人")
    draft.indicators.get(code="H1").delete()
    assert data_of(published) == before


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=frameworks())
def test_any_framework_is_copied_field_by_field(db, data):
    rows = tuple(replace(row, unit=row.unit[:32]) for row in data.indicators)
    data = replace(data, name_zh=data.name_zh[:200], indicators=rows)
    with transaction.atomic():
        source = actions.import_framework(data).framework
        made = editions.copy_edition(source=source, edition="另一版-1", by=None)
        assert canonical(data_of(made)) == replace(canonical(data), edition="另一版-1")
        assert compare(data_of(source), data_of(made)).is_same
        transaction.set_rollback(True)


def test_a_draft_that_is_not_finished_can_be_copied(db):
    source = actions.import_framework(change(sound(), "A1", points=None)).framework
    node = source.indicators.get(code="A2")
    Indicator.objects.filter(pk=node.pk).update(parent=node)  # a loop, made by hand
    made = editions.copy_edition(source=source, edition="2", by=None)
    assert data_of(made) == replace(data_of(source), edition="2")


@pytest.mark.parametrize("size", [1, 3])
def test_copying_asks_a_constant_number_of_questions(db, size, django_assert_max_num_queries):
    rows = [quantity(f"Q{number}", weight=D(1)) for number in range(size)]
    source = actions.import_framework(replace(sound(), indicators=tuple(rows), levels=(), items=())).framework
    with django_assert_max_num_queries(11):
        editions.copy_edition(source=source, edition="2", by=None)


@pytest.mark.parametrize(
    ("edition", "says"),
    [
        ("1", "已有版本 1"),
        (" 1 ", "已有版本 1"),
        ("", "请填写"),
        ("2/3", "不能用于编号"),
        ("..", "不能用于编号"),
        ("二" * 65, "超过 64 个"),
    ],
)
def test_a_name_that_cannot_be_is_refused(published, edition, says):
    with pytest.raises(editions.EditionRefused, match=says):
        editions.copy_edition(source=published, edition=edition, by=None)
    assert Framework.objects.count() == 1


def test_the_copy_page_proposes_a_name_and_opens_the_draft(admin_client, published):
    assert 'value="2"' in page_of(admin_client, address("copy", published))
    response = admin_client.post(address("copy", published), {"edition": "2"}, follow=True)
    assert response.request["PATH_INFO"] == f"/framework/{published.code}/2/"
    page = response.content.decode()
    assert "已复制为草案 2。" in page
    assert "复制自" in page
    assert address("check", Framework.objects.get(edition="2")) in page


def test_a_taken_name_is_said_and_kept(admin_client, published):
    response = admin_client.post(address("copy", published), {"edition": "1"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "已有版本 1。请换一个版本号。" in page
    assert 'value="1"' in page


@pytest.mark.parametrize("name", ["copy", "publish", "retire"])
@pytest.mark.parametrize("role", ["city", "reviewer", "moderator"])
def test_only_administrators_may(client, published, name, role):
    client.force_login(make.user(role))
    before = Framework.objects.values_list("status", flat=True).get()
    assert client.post(address(name, published), {"edition": "2", "reason": "x"}).status_code == 403
    assert Framework.objects.values_list("status", flat=True).get() == before


# --- comparing ---------------------------------------------------------------------------------------------


def test_the_same_is_the_same():
    found = compare(sound(), replace(sound(), edition="2"))
    assert found.is_same
    assert found.comparable == {"A", "A1", "A2", "B", "H", "H1"}
    assert summary(found) == "两个版本的内容完全相同。"


def test_added_and_removed_with_weights_before_and_after():
    old = sound()
    rows = [row for row in old.indicators if row.code != "A1"]
    rows.insert(2, quantity("A3", "A", points=D(20)))
    found = compare(old, replace(old, edition="2", indicators=tuple(rows)))

    assert [node.code for node in found.added] == ["A3"]
    assert [node.code for node in found.removed] == ["A1"]
    assert found.by_code["A1"].old.points == pytest.approx(20)
    assert found.by_code["A3"].new.global_weight == pytest.approx(0.2)
    assert found.by_code["A1"].broken == "编号在新版本中已不存在"
    assert found.by_code["A"].broken == "下级指标不同"
    assert found.comparable == {"A2", "B", "H", "H1"}
    assert summary(found) == (
        "与版本 1 相比，版本 2：新增 1 项，删除 1 项；2 项的结果前后不可直接比较。"
    )  # fmt: skip


def test_a_code_that_only_got_a_new_name_is_pointed_at():
    old = sound()
    rows = tuple(replace(row, code="A9") if row.code == "A1" else row for row in old.indicators)
    assert compare(old, replace(old, indicators=rows)).by_code["A1"].likely_new_code == "A9"


def test_moved_to_another_parent():
    old = sound()
    found = compare(old, change(change(old, "A1", parent="H"), "H", points=D(20)))
    assert [node.code for node in found.moved] == ["A1"]
    assert found.by_code["A1"].new_parent


def test_only_what_really_changed_its_place_counts_as_moved():
    rows = [quantity(f"Q{number}", weight=D(1)) for number in range(6)]
    old = replace(sound(), indicators=tuple(rows), levels=(), items=())
    turned = [*rows[1:4], quantity("N", weight=D(1)), rows[0], *rows[4:]]
    found = compare(old, replace(old, indicators=tuple(turned)))
    assert [node.code for node in found.moved] == ["Q0"]


def test_a_weight_shifts_its_siblings():
    old = sound()
    found = compare(old, change(change(old, "A1", points=D(30)), "A2", points=D(30)))
    assert [node.code for node in found.reweighted] == ["A1", "A2"]
    first = found.by_code["A1"]
    assert (first.old.local_weight, first.new.local_weight) == (pytest.approx(1 / 3), pytest.approx(1 / 2))
    assert (first.old.points, first.new.points) == (pytest.approx(20), pytest.approx(30))
    assert found.by_code["A"].broken == "下级指标的权重不同"
    assert "A1" in found.comparable


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (change(sound(), "A1", unit="%"), "单位不同"),
        (change(sound(), "A1", curve="0:0|2:100"), "评分曲线不同"),
        (change(sound(), "A1", curve="", normalise="minmax"), "归一化、评分曲线不同"),
        (change(sound(), "A1", kind="bonus", curve=""), "类型不同"),
    ],
)
def test_a_leaf_whose_results_mean_something_else_breaks_its_link(changed, reason):
    found = compare(sound(), changed)
    assert found.by_code["A1"].broken == reason
    assert found.by_code["A"].broken
    assert not {"A", "A1"} & found.comparable


def test_levels_and_items_are_compared_and_break_the_link_by_their_worth_only():
    worth = compare(sound(), change_level(sound(), "A", score_min=D(85)))
    wording = compare(sound(), change_level(sound(), "A", descriptor="有制度"))
    assert worth.by_code["A2"].broken == "等级或要点的分值不同"
    assert [(part.kind, part.name) for part in wording.by_code["A2"].levels] == [("changed", "A")]
    assert not wording.by_code["A2"].broken

    text = compare(sound(), change_item(sound(), "1", text="甲等"))
    assert text.by_code["B"].items[0].changes[0].new == "甲等"
    fewer = compare(sound(), replace(sound(), items=sound().items[:1]))
    assert [part.kind for part in fewer.by_code["B"].items] == ["removed"]
    turned = compare(sound(), replace(sound(), items=sound().items[::-1]))
    assert [part.kind for part in turned.by_code["B"].items] == ["reordered"]


def test_settings_are_compared():
    found = compare(sound(), replace(sound(), missing="exclude", bonus_cap=D(3)))
    assert [(one.heading, one.old, one.new) for one in found.settings] == [
        ("缺失处理", "zero", "exclude"),
        ("加分上限", "", "3"),
    ]
    assert not found.is_same


def test_drafts_without_weights_are_compared_as_far_as_they_go():
    unfinished = change(sound(), "A1", points=None, name_zh="新名")
    found = compare(sound(), unfinished)
    assert [node.code for node in found.renamed] == ["A1"]
    assert found.reweighted == ()
    assert found.by_code["A"].broken == "有一个版本还不能计算权重"
    looping = change(change(sound(), "A", parent="A1"), "A1", kind="")
    assert compare(sound(), looping).by_code["A"].in_both
    assert not compare(looping, looping).differing


@given(old=st.text("甲乙丙丁，。", max_size=30), new=st.text("甲乙丙丁，。", max_size=30))
def test_marks_give_back_both_texts(old, new):
    found = marks(old, new)
    assert "".join(one.text for one in found if one.kind != "ins") == old
    assert "".join(one.text for one in found if one.kind != "del") == new
    assert all(one.text for one in found)


def test_marks_are_readable():
    found = marks("会议不定期，主要由教育部门推动", "会议定期召开，由教育部门推动")
    assert [(one.kind, one.text) for one in found] == [
        ("same", "会议"), ("del", "不"), ("same", "定期"), ("ins", "召开"), ("same", "，"), ("del", "主要"),
        ("same", "由教育部门推动"),
    ]  # fmt: skip
    long = "长" * 5000
    assert [one.kind for one in marks(long, long + "了")] == ["del", "ins"]


def test_the_diff_page_shows_what_changed(admin_client, published, draft):
    draft.indicators.filter(code="A1").update(
        name_zh="A1改", kind="bonus", curve="", definition="<b>口径</b>"
    )
    draft.indicators.filter(code="B").update(position=5)
    Framework.objects.filter(pk=draft.pk).update(missing="exclude")
    page = page_of(admin_client, address("diff", draft))  # against the edition it was copied from
    assert "与版本 1 相比，版本 2：移动 1 项，更名 1 项，修改 1 项，权重或分值变化" in page
    assert "A1<ins>改</ins>" in page
    assert "<del>定量</del> <ins>加分</ins>" in page
    assert "<del>按 0 分计</del> <ins>不计入，权重由同级指标分担</ins>" in page
    assert "&lt;b&gt;口径" in page
    assert "在同级指标中的次序改变" in page
    assert "类型不同" in page
    turned = page_of(admin_client, f"{address('diff', published)}?with=2")
    assert "与版本 2 相比，版本 1" in turned


def test_a_framework_with_one_edition_has_nothing_to_compare(admin_client, published):
    assert "没有其他可以对照的版本" in page_of(admin_client, address("diff", published))
    page_of(admin_client, f"{address('diff', published)}?with=none", 404)


def test_a_draft_does_not_show_through_the_diff(client, published, draft):
    client.force_login(make.member(make.city()))
    page_of(client, f"{address('diff', published)}?with=2", 404)
    assert "没有其他可以对照的版本" in page_of(client, address("diff", published))


def test_the_diff_page_asks_a_constant_number_of_questions(
    admin_client, published, draft, django_assert_num_queries
):
    with django_assert_num_queries(11):  # session, user; edition; others; the other; 3 + 3 for the trees
        admin_client.get(f"{address('diff', draft)}?with=1")


# --- before publishing -------------------------------------------------------------------------------------


def test_every_finding_leads_to_its_node(db):
    framework = actions.import_framework(sound()).framework
    framework.indicators.filter(code="A1").update(points="15", curve="0:0", direction=-1)
    framework.indicators.get(code="A2").levels.filter(level="C").delete()
    framework.indicators.get(code="B").items.filter(item="2").update(score="50")
    found = readiness(framework)

    assert not found.is_clean
    assert {one.code for one in found.errors} == {"A", "A1", "B"}
    assert [(g.code, g.total, g.expected, g.gap_text, g.is_sound) for g in found.groups] == [
        ("", "100", "", "0", True),
        ("A", "55", "60", "5", False),
    ]


def test_the_check_page_lists_and_links(admin_client, draft):
    draft.indicators.filter(code="A1").update(points="15")
    page = page_of(admin_client, address("check", draft))
    assert f'href="{reverse("framework:edit-node", args=[draft.code, draft.edition, "A"])}"' in page
    assert "A 下合计 55 分，比 A 的 60 分少 5 分——不能发布" in page
    assert "还差 5 分" in page
    assert address("publish", draft) not in page
    response = admin_client.get(address("publish", draft))
    assert response["Location"] == address("check", draft)
    assert admin_client.post(address("publish", draft)).status_code == 422
    draft.refresh_from_db()
    assert draft.is_draft


def test_publishing_has_a_page_and_a_double_click_publishes_once(admin_client, administrator, draft):
    assert address("publish", draft) in page_of(admin_client, address("check", draft))
    assert "发布不能撤销" in page_of(admin_client, address("publish", draft))
    for said in ("版本 2 已发布。", "本版本已经发布。"):
        response = admin_client.post(address("publish", draft), follow=True)
        assert response.status_code == 200
        assert said in response.content.decode()
    assert AuditEntry.objects.filter(action="framework.publish", actor=administrator).count() == 1
    assert editions.publish_edition(framework=draft, by=None) is False  # `draft` still says it is one


def test_the_database_refuses_to_change_the_published_copy(draft):
    editions.publish_edition(framework=draft, by=None)
    with pytest.raises(IntegrityError, match="已发布的指标体系不能修改"), transaction.atomic():
        draft.indicators.filter(code="A1").update(unit="人")
    with pytest.raises(IntegrityError, match="已发布的指标体系不能修改"), transaction.atomic():
        Framework.objects.filter(pk=draft.pk).update(name_zh="别名")


# --- retiring ----------------------------------------------------------------------------------------------


def test_retired_with_a_reason_and_not_offered_again(admin_client, administrator, published):
    used = make.round_(published)
    offered = RoundForm().fields["framework"].queryset
    assert published in offered.all()
    page = page_of(admin_client, address("retire", published))
    assert "已使用本版本的 1 个轮次不受影响" in page
    assert admin_client.post(address("retire", published), {"reason": " "}).status_code == 422

    page = admin_client.post(
        address("retire", published), {"reason": "由第二版代替"}, follow=True
    ).content.decode()
    assert "由第二版代替" in page
    assert used.name in page
    published.refresh_from_db()
    assert published.status == Framework.Status.RETIRED
    assert published not in RoundForm().fields["framework"].queryset
    entry = AuditEntry.objects.get(action="framework.retire")
    assert (entry.actor, entry.detail["reason"]) == (administrator, "由第二版代替")
    used.refresh_from_db()
    assert used.framework == published


def test_a_retired_edition_stays_readable_and_unchangeable(client, published):
    editions.retire_edition(framework=published, reason="由第二版代替", by=None)
    client.force_login(make.member(make.city()))
    assert "由第二版代替" in page_of(client, address("detail", published))
    with pytest.raises(IntegrityError, match="已发布的指标体系不能修改"), transaction.atomic():
        published.indicators.filter(code="A1").update(unit="人")
    with pytest.raises(IntegrityError, match="已发布的指标体系不能修改"), transaction.atomic():
        Framework.objects.filter(pk=published.pk).delete()


def test_what_cannot_be_retired(admin_client, published, draft):
    with pytest.raises(editions.EditionRefused, match="草案尚未发布"):
        editions.retire_edition(framework=draft, reason="x", by=None)
    with pytest.raises(editions.EditionRefused, match="请填写停用的原因"):
        editions.retire_edition(framework=published, reason="", by=None)
    editions.retire_edition(framework=published, reason="x", by=None)
    with pytest.raises(editions.EditionRefused, match="已经停用"):
        editions.retire_edition(framework=published, reason="x", by=None)
    page = admin_client.post(address("retire", published), {"reason": "x"}, follow=True).content.decode()
    assert "本版本已经停用。" in page
    with pytest.raises(IntegrityError), transaction.atomic():  # a state without its time
        Framework.objects.filter(pk=published.pk).update(retired_at=None)


# --- which rounds use it -----------------------------------------------------------------------------------


def test_an_administrator_sees_which_rounds_use_the_edition(client, published, draft, administrator):
    used = make.round_(published)
    for person, seen in ((administrator, True), (make.member(make.city()), False)):
        client.force_login(person)
        assert (used.name in page_of(client, address("detail", published))) is seen
    client.force_login(administrator)
    assert "还没有轮次使用本版本。" in page_of(client, address("detail", draft))
