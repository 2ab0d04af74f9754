"""From a workbook to the database and back: what is refused, what is kept, what never changes again."""

import io
import subprocess
import sys
from dataclasses import fields, replace
from decimal import Decimal
from random import Random

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from indicators import actions
from indicators.exporters import data_of, workbook_of
from indicators.fields import canonical as plain
from indicators.importers import read_framework
from indicators.models import ChecklistItem, Framework, Indicator, RubricLevel
from indicators.queries import load_tree
from indicators.reference import WORKBOOK, reference_framework
from indicators.rows import ABOUT_FIELDS, FrameworkData, IndicatorRow, ItemRow, LevelRow
from indicators.tree import canonical, errors, validate
from indicators.workbooks import WorkbookError, safe_text
from tests import make
from tests.indicators.books import ABOUT, ITEMS, LEVELS, MAIN, book, change, quantity, sound

D = Decimal
HEAD = ["编号", "上级编号", "名称", "权重", "类型", "评分曲线"]


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a command; gives its exit code, standard output and error lines. Bytes become a file."""

    def call(name, *args):
        given = []
        for number, arg in enumerate(args):
            path = arg
            if isinstance(arg, bytes):
                path = tmp_path / f"in{number}.xlsx"
                path.write_bytes(arg)
            given.append(str(path))
        code = 0
        try:
            call_command(name, *given)
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return call


# --- reading -----------------------------------------------------------------------------------------------


def test_headings_numbers_and_words_are_understood_however_they_are_written():
    content = book(**{
        MAIN: [
            ["编号（code）", "PARENT", "名称 (name_zh)", "分值(points)", "类型", "scoring_curve", "方向", "备注"],
            [1, None, "维度", "６０", None, None, None, "x"],
            [1.1, 1, "甲", " 60 ", "定量", "0：0｜1：100", "正向", None],
            ["B", None, "乙", "1,040", "要点", None, -1, None],
        ],
        ITEMS: [["指标编号", "item", "分值 (score)", "text"], ["B", 1, "100", "全部"]],
        ABOUT: [["代码 (code)", "T"], ["missing", "不计入"], ["汇总方式", "几何平均"], ["最低数据占比", "0.5"], ["页数", 3]],
    })  # fmt: skip
    read = read_framework(content)
    assert [(row.code, row.parent, row.points, row.kind, row.direction) for row in read.data.indicators] == [
        ("1", "", D(60), "", "1"),
        ("1.1", "1", D(60), "quantity", "1"),
        ("B", "", D(1040), "checklist", "-1"),
    ]
    assert read.data.items == (ItemRow("B", "1", D(100), "全部"),)
    assert (read.data.code, read.data.edition, read.data.name_zh) == ("T", "1", "T")
    assert (read.data.missing, read.data.aggregation, read.data.minimum_share) == (
        "exclude",
        "geometric",
        D("0.5"),
    )
    assert [str(problem) for problem in read.problems] == [
        "工作表“说明”第 5 行：“页数”不是已知的项目，这一行未读取。",
        "工作表“指标体系”第 1 行“H”：“备注”不是已知的表头，这一列未读取。",
    ]
    assert errors(validate(read.data, for_publishing=True)) == []


def test_without_a_column_for_weights_siblings_weigh_the_same():
    content = book(
        **{
            MAIN: [
                ["编号", "类型", "评分曲线"],
                ["A", "quantity", "0:0|1:100"],
                ["B", "quantity", "0:0|1:100"],
            ]
        }
    )
    assert [row.weight for row in read_framework(content).data.indicators] == [1, 1]


def test_rows_without_a_code_are_told():
    content = book(**{MAIN: [HEAD, ["A", None, "甲", 1, "quantity", "0:0|1:100"], [None, None, "乙", 1]]})
    found = errors(validate(read_framework(content).data, for_publishing=True))
    assert "工作表“指标体系”第 3 行“编号”：为空，必须填写。" in [str(problem) for problem in found]


WRONG_BOOKS = [
    (lambda: book(甲=[["编号"]]), "工作簿缺少工作表“指标体系”。"),
    (lambda: book(**{MAIN: [["名称"], ["甲"]]}), "工作表“指标体系”缺少“编号”一列（第 1 行应为表头）。"),
    (
        lambda: book(**{MAIN: [["编号"], ["A"]], LEVELS: [["等级"], ["A"]]}),
        "工作表“评分标准”缺少“指标编号”一列",
    ),
    (lambda: book(**{MAIN: [["编号"], ["A"]], ITEMS: [["编号"], ["A"]]}), "工作表“要点”缺少“序号”一列"),
    (lambda: book(**{MAIN: [["编号", "code"], ["A", "A"]]}), "是同一列，请删去一列。"),
]


@pytest.mark.parametrize(("content", "words"), WRONG_BOOKS)
def test_a_workbook_that_is_no_framework_is_refused_in_words(content, words):
    with pytest.raises(WorkbookError) as refused:
        read_framework(content())
    assert words in str(refused.value)


def test_a_key_twice_is_an_error(run, db):
    content = book(
        **{MAIN: [HEAD, ["A", None, "甲", 1, "quantity", "0:0|1:100"]], ABOUT: [["代码", "T"], ["code", "U"]]}
    )
    assert run("import_framework", content)[::2] == (
        1,
        ["工作表“说明”第 2 行：“code”与第 1 行重复。请只保留一行。"],
    )


# --- the commands ------------------------------------------------------------------------------------------


def test_import_publish_export(run, db, tmp_path):
    code, out, err = run("import_framework", workbook_of(sound()), "--edition", "2025", "--publish")
    assert (code, err) == (0, [])
    assert (
        out
        == "已导入指标体系“试验”（T，版本 2025）：6 个指标，其中计分的末级指标 3 个、加分项 1 个。状态：已发布。\n"
    )
    framework = Framework.objects.get(code="T", edition="2025")
    assert framework.published_at is not None
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "framework.import",
        "framework.publish",
    ]
    assert run("export_framework", "T", tmp_path / "out.xlsx")[0] == 0
    assert read_framework(tmp_path / "out.xlsx").data == replace(sound(), edition="2025")
    assert AuditEntry.objects.filter(action="framework.export", actor=None).count() == 1


def test_dry_run_writes_nothing(run, db):
    code, out, _err = run("import_framework", workbook_of(sound()), "--dry-run", "--publish")
    assert code == 0
    assert out.endswith("试运行，未写入任何数据。\n")
    assert not Framework.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_same_again_changes_nothing_and_publishes_if_asked(run, db):
    content = workbook_of(sound())
    run("import_framework", content)
    entries = AuditEntry.objects.count()
    code, out, _err = run("import_framework", content)
    assert (code, "内容相同，未作改动" in out, AuditEntry.objects.count()) == (0, True, entries)
    code, out, _err = run("import_framework", content, "--publish")
    assert (code, "内容相同，已发布" in out) == (0, True)
    assert Framework.objects.get().status == Framework.Status.PUBLISHED
    code, out, _err = run("import_framework", content, "--publish")
    assert (code, "内容相同，未作改动" in out) == (0, True)


def test_other_content_needs_another_edition(run, db):
    run("import_framework", workbook_of(sound()))
    other = workbook_of(change(sound(), "A1", unit="%"))
    code, out, err = run("import_framework", other)
    assert (code, out) == (1, "")
    assert err == [
        "工作表“说明”第 4 行“版本”：“1”：指标体系“T”的这一版本已存在，内容不同。请改用新的版本号，例如加上 --edition 新版本号。"
    ]
    assert run("import_framework", other, "--edition", "2")[0] == 0
    assert Framework.objects.count() == 2


def test_errors_go_to_standard_error_line_by_line_and_nothing_is_written(run, db):
    content = book(
        **{MAIN: [HEAD, ["A", None, "甲\n乙", -1, "quantity", "0:0"], ["B", "Z", "丙", "一", "rubric", None]]}
    )
    code, out, err = run("import_framework", content, "--publish")
    assert (code, out) == (1, "")
    assert err == [
        "工作表“指标体系”第 2 行“权重”：“-1”应为不小于 0 的数。",
        "工作表“指标体系”第 2 行“评分曲线”：“0:0”无法识别（评分曲线至少需要两个节点）。"
        "请写作“数值:得分|数值:得分”，数值从小到大，得分在 0 到 100 之间。",
        "工作表“指标体系”第 3 行“权重”：“一”不是数字。请只填数字，例如 12.5，不要带单位。",
        "工作表“指标体系”第 3 行“上级编号”：“Z”在“编号”一列中不存在。请填写已有的编号；维度的上级编号留空。",
        "工作表“指标体系”第 3 行“编号”：“B”没有评分等级：等级指标须在工作表“评分标准”中有等级。",
    ]
    assert not Framework.objects.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("import_framework", "none.xlsx"), "找不到文件“none.xlsx”。"),
        (("import_framework", b"PK"), "文件已损坏，无法打开，请重新导出后再试。"),
        (("export_framework", "T", "out.csv"), "输出文件“out.csv”应以 .xlsx 结尾。"),
        (("export_framework", "T", "out.xlsx"), "没有已发布的版本；导出草案请用 --edition 指明版本。"),
        (("export_framework", "T", "out.xlsx", "--edition", "9"), "没有指标体系“T”的版本“9”。"),
    ],
)
def test_commands_refuse_in_one_line(run, db, args, words):
    code, out, err = run(*args)
    assert (code, out, len(err)) == (1, "", 1)
    assert words in err[0]


def test_export_to_a_place_that_is_not_there(run, db, tmp_path):
    framework = make.framework()
    code, _out, err = run("export_framework", framework.code, tmp_path / "none" / "out.xlsx")
    assert code == 1
    assert "无法写入文件" in err[0]


def test_export_takes_the_newest_published_edition(run, db, tmp_path):
    for edition in ("2", "1"):
        actions.import_framework(replace(sound(), edition=edition), publish=True)
    actions.import_framework(replace(sound(), edition="3"))
    run("export_framework", "T", tmp_path / "out.xlsx")
    assert read_framework(tmp_path / "out.xlsx").data.edition == "1"


def test_the_command_line_shows_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "import_framework", str(tmp_path / "none.xlsx")],
        capture_output=True, text=True, check=False, cwd=__file__.split("/tests/")[0],
        env={"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "SECRET_KEY": "a-b-c-d-e-f-g-h-" * 4, "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"找不到文件“{tmp_path / 'none.xlsx'}”。\n"


# --- actions -----------------------------------------------------------------------------------------------


def test_publishing_is_checked_again_and_happens_once(db):
    person = make.user("administrator")
    draft = actions.import_framework(change(sound(), "A1", points=D(1)), by=person).framework
    with pytest.raises(actions.FrameworkError, match="比 A 的 60 分少 19 分——不能发布"):
        actions.publish_framework(draft, by=person)
    Indicator.objects.filter(framework=draft, code="A1").update(points=D(20))
    published = actions.publish_framework(draft, by=person)
    assert not published.is_draft
    assert AuditEntry.objects.get(action="framework.publish").actor == person
    with pytest.raises(actions.FrameworkError, match="已经发布，不能再次发布"):
        actions.publish_framework(published, by=person)


def test_positions_are_in_pre_order_in_steps_of_ten(db):
    shuffled = replace(sound(), indicators=sound().indicators[::-1])
    framework = actions.import_framework(shuffled).framework
    assert list(framework.indicators.order_by("position").values_list("position", "code")) == [
        (10, "H"), (20, "H1"), (30, "B"), (40, "A"), (50, "A2"), (60, "A1"),
    ]  # fmt: skip


# --- a published edition never changes ---------------------------------------------------------------------


@pytest.fixture
def published(db):
    return actions.import_framework(sound(), publish=True).framework


CHANGES = [
    lambda f: Framework.objects.filter(pk=f.pk).update(name_zh="别名"),
    lambda f: Framework.objects.filter(pk=f.pk).update(status="draft", published_at=None),
    lambda f: Framework.objects.filter(pk=f.pk).update(bonus_cap=9),
    lambda f: f.delete(),
    lambda f: Indicator.objects.filter(framework=f, code="A1").update(points=D(1)),
    lambda f: Indicator.objects.filter(framework=f, code="A1").delete(),
    lambda f: Indicator.objects.create(framework=f, code="Z", name_zh="Z", position=999),
    lambda f: RubricLevel.objects.filter(indicator__framework=f).update(score_max=100),
    lambda f: RubricLevel.objects.filter(indicator__framework=f).first().delete(),
    lambda f: RubricLevel.objects.create(
        indicator=f.indicators.get(code="A2"), position=99, level="E", score_min=0, score_max=0
    ),
    lambda f: ChecklistItem.objects.filter(indicator__framework=f).update(text="丙"),
    lambda f: ChecklistItem.objects.filter(indicator__framework=f).first().delete(),
    lambda f: ChecklistItem.objects.create(
        indicator=f.indicators.get(code="B"), position=99, item="9", score=D(1), text=""
    ),
]
SQL = [
    "UPDATE indicators_framework SET provenance = 'x'",
    "DELETE FROM indicators_framework",
    "UPDATE indicators_indicator SET weight = '9'",
    "DELETE FROM indicators_indicator",
    "UPDATE indicators_rubriclevel SET score_min = 0",
    "DELETE FROM indicators_rubriclevel",
    "UPDATE indicators_checklistitem SET score = '1'",
    "DELETE FROM indicators_checklistitem",
]


@pytest.mark.parametrize("attempt", CHANGES)
def test_the_database_refuses_to_change_a_published_edition(published, attempt):
    before = data_of(published)
    with (
        pytest.raises((IntegrityError, DatabaseError), match="已发布的指标体系不能修改"),
        transaction.atomic(),
    ):
        attempt(published)
    assert data_of(Framework.objects.get(pk=published.pk)) == before


@pytest.mark.parametrize("statement", SQL)
def test_the_database_refuses_plain_sql_too(published, statement):
    with (
        pytest.raises((IntegrityError, DatabaseError), match="已发布的指标体系不能修改"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_an_indicator_cannot_move_into_a_published_edition(published):
    draft = actions.import_framework(replace(sound(), edition="2")).framework
    with (
        pytest.raises((IntegrityError, DatabaseError), match="已发布的指标体系不能修改"),
        transaction.atomic(),
    ):
        Indicator.objects.filter(framework=draft, code="B").update(framework=published)


def test_a_draft_may_change(db):
    draft = actions.import_framework(sound()).framework
    Indicator.objects.filter(framework=draft, code="A1").update(unit="%")
    draft.delete()
    assert not Indicator.objects.exists()


# --- there and back ----------------------------------------------------------------------------------------

texts = st.text(max_size=40) | st.sampled_from(
    ["=1+1", "+a", "-b", "@c", "\x01\x0b", "<r>x</r>", "_x000D_", "a\r\nb", " ", "12", "１２"]
)
names = texts.map(lambda text: text or "名").filter(lambda text: safe_text(text).strip())
codes = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1, max_size=12
).filter(lambda code: code.strip("."))
weights = st.decimals(min_value=0, max_value=1000, places=4) | st.decimals(
    min_value=0, max_value=1, places=15
)
curves = st.sampled_from(["0:0|50:60|100:100", "2:100|6:0", "log;100:0|75000:100"])


@st.composite
def frameworks(draw) -> FrameworkData:
    """Any framework that may be published: depth 1–6, some dozens of leaves, text of any kind."""
    inner = draw(st.integers(0, 8))
    tree = draw(
        st.lists(codes, min_size=inner + 1, max_size=inner + 30, unique=True).filter(
            lambda all_: "TOTAL" not in all_
        )
    )
    parents, depth = {}, {}
    for number, code in enumerate(tree):
        above = [other for other in tree[: min(number, inner)] if depth[other] < 5]
        parents[code] = draw(st.sampled_from(["", *above])) if above else ""
        depth[code] = depth[parents[code]] + 1 if parents[code] else 0
    by_points = draw(st.booleans())
    rows, levels, items = [], [], []
    for code in tree:
        leaf = code not in parents.values()
        kind = draw(st.sampled_from(["quantity", "rubric", "checklist", "bonus"])) if leaf else ""
        kind = "quantity" if code == tree[-1] else kind  # something has to be scored
        share = draw(weights.filter(bool)) if kind else None
        across = kind == "quantity" and draw(st.booleans())
        rows.append(
            IndicatorRow(
                code=code, parent=parents[code], name_zh=safe_text(draw(names)), name_en=safe_text(draw(texts)),
                points=share if by_points and kind else None, weight=None if by_points else share or draw(weights.filter(bool)),
                kind=kind, unit=safe_text(draw(texts))[:32], curve=draw(curves) if kind == "quantity" and not across else "",
                normalise=draw(st.sampled_from(["minmax", "minmax:10:90", "zscore", "target:5"])) if across else "",
                direction=draw(st.sampled_from(["1", "-1"])),
                aggregation="" if kind else draw(st.sampled_from(["", "geometric", "harmonic", "arithmetic"])),
                definition=safe_text(draw(texts)), evidence_hint=safe_text(draw(texts)),
                evidence_min=D(draw(st.integers(0, 9))), department_hint=safe_text(draw(texts)), basis=safe_text(draw(texts)),
                evidence_kinds=draw(st.sampled_from(["", "pdf", "jpg;pdf"])),
                evidence_max_mb=draw(st.sampled_from([None, D(20)])), evidence_years=draw(st.sampled_from([None, D(2)])),
            )
        )  # fmt: skip
        if kind == "rubric" or (kind == "bonus" and draw(st.booleans())):
            bands = [("A", 60, 100), ("B", 20, 59), ("C", 0, 19)]
            levels += [
                LevelRow(code, name, safe_text(draw(texts)), D(low), D(high), safe_text(draw(texts)))
                for name, low, high in bands
            ]
        if kind == "checklist":
            items += [
                ItemRow(code, "1", D("33.4"), safe_text(draw(texts))),
                ItemRow(code, "2", D("66.6"), ""),
            ]
    if by_points:
        rows = _with_sums(rows)
    return FrameworkData(
        code=draw(codes), edition=draw(codes), name_zh=safe_text(draw(names)), name_en=safe_text(draw(texts)),
        source=safe_text(draw(texts)), provenance=safe_text(draw(texts)),
        aggregation=draw(st.sampled_from(["arithmetic", "geometric", "harmonic"])),
        missing=draw(st.sampled_from(["zero", "exclude"])),
        minimum_share=draw(st.none() | st.floats(0, 1).map(lambda x: D(repr(x)))),
        floor=D(repr(draw(st.floats(0.001, 50)))), bonus_cap=draw(st.none() | st.integers(0, 20).map(D)),
        rank_decimals=D(draw(st.integers(0, 9))), indicators=tuple(rows), levels=tuple(levels), items=tuple(items),
    )  # fmt: skip


def _with_sums(rows: list[IndicatorRow]) -> list[IndicatorRow]:
    """Inner nodes get the sum of their scored children."""
    done = {row.code: row for row in rows}
    children: dict[str, list[IndicatorRow]] = {}
    for row in rows:
        children.setdefault(row.parent, []).append(row)
    for row in reversed(rows):
        if not row.kind:
            below = [done[child.code] for child in children.get(row.code, [])]
            total = sum((child.points for child in below if child.kind != "bonus"), D(0))
            done[row.code] = replace(row, points=total)
    return list(done.values())


def _cut(data: FrameworkData) -> FrameworkData:
    """Texts no longer than their fields."""
    return replace(
        data,
        name_zh=data.name_zh[:200],
        indicators=tuple(replace(r, unit=r.unit[:32]) for r in data.indicators),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=frameworks().map(_cut), shuffle=st.randoms(use_true_random=False))
def test_any_framework_comes_back_field_by_field_and_byte_by_byte(db, data, shuffle):
    with transaction.atomic():
        rows = list(data.indicators)
        shuffle.shuffle(rows)
        data = replace(data, indicators=tuple(rows))
        publish = not errors(validate(data, for_publishing=True))
        first = actions.import_framework(data, publish=publish).framework
        content = workbook_of(data_of(first))
        read = read_framework(content)
        assert not errors(read.problems)
        again = actions.import_framework(read.data, edition="另一版").framework
        left, right = data_of(first), replace(data_of(again), edition=data.edition)
        for field in fields(FrameworkData):
            assert getattr(left, field.name) == getattr(right, field.name), field.name
        assert left == canonical(data)
        assert workbook_of(right) == content
        assert [i.position for i in load_tree(first).indicators] == [
            i.position for i in load_tree(again).indicators
        ]
        transaction.set_rollback(True)


# making a large example smaller takes minutes: what fails is shown as it was drawn
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@st.composite
def large_frameworks(draw) -> FrameworkData:
    """Depth 1–6 and 1–400 leaves, exactly as drawn; texts of any kind out of a drawn handful."""
    depth, leaves = draw(st.integers(1, 6)), draw(st.integers(1, 400))
    pool = [safe_text(text) for text in draw(st.lists(texts, min_size=3, max_size=9))]
    titles = [safe_text(name)[:200] for name in draw(st.lists(names, min_size=2, max_size=6))]
    prefix, random = draw(codes), Random(draw(st.integers(0, 2**32)))
    by_points = draw(st.booleans())
    parents = {f"{prefix}{n}": f"{prefix}{n - 1}" if n else "" for n in range(depth - 1)}
    deep = {code: n for n, code in enumerate(parents)}
    ends = [list(parents)[-1] if parents else ""]  # where a leaf has to hang
    for number in range(random.randint(0, leaves - 1) // 3 if depth > 1 else 0):
        above = random.choice(["", *(code for code in parents if deep[code] < depth - 2)])
        code = f"{prefix}x{number}"
        parents[code], deep[code] = above, deep[above] + 1 if above else 0
        ends.append(code)
    inner = list(parents)
    ends += [random.choice(inner) if inner else "" for _ in range(leaves - len(ends))]
    rows = [
        IndicatorRow(
            code, above, random.choice(titles), aggregation=random.choice(["", "geometric"]), definition=random.choice(pool),
            weight=None if by_points else D(random.randint(1, 10**6)) / 1000,
        )
        for code, above in parents.items()
    ]  # fmt: skip
    levels, items = [], []
    for number, above in enumerate(ends):
        code = f"{prefix}-{number}"
        kind = random.choice(["quantity", "rubric", "checklist", "bonus"]) if number else "quantity"
        share = D(random.randint(1, 10**9)) / 10**6
        rows.append(
            IndicatorRow(
                code, above, random.choice(titles), random.choice(pool), kind=kind, unit=random.choice(pool)[:32],
                points=share if by_points else None, weight=None if by_points else share,
                curve="0:0|50:60|100:100" if kind == "quantity" else "", evidence_min=D(random.randint(0, 9)),
                definition=random.choice(pool), evidence_hint=random.choice(pool), basis=random.choice(pool),
                department_hint=random.choice(pool),
            )
        )  # fmt: skip
        if kind == "rubric":
            levels += [
                LevelRow(code, name, random.choice(pool), D(low), D(high), random.choice(pool))
                for name, low, high in (("A", 60, 100), ("B", 0, 59))
            ]
        if kind == "checklist":
            items += [ItemRow(code, str(n), D(50), random.choice(pool)) for n in (1, 2)]
    rows = _with_sums(rows) if by_points else rows
    return FrameworkData(
        code=draw(codes), edition=draw(codes), name_zh=random.choice(titles), name_en=random.choice(pool),
        source=random.choice(pool), provenance=random.choice(pool),
        indicators=tuple(rows), levels=tuple(levels), items=tuple(items),
    )  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(data=large_frameworks())
def test_up_to_four_hundred_leaves_six_levels_deep_come_back_field_by_field(db, data):
    with transaction.atomic():
        first = actions.import_framework(data).framework
        content = workbook_of(data_of(first))
        read = read_framework(content)
        assert read.problems == []
        stored, given_ = canonical(read.data), canonical(data)
        for field in (*ABOUT_FIELDS, "indicators", "levels", "items"):
            assert getattr(stored, field) == getattr(given_, field), field
        again = actions.import_framework(read.data)
        assert (again.framework, again.created) == (first, False)
        transaction.set_rollback(True)


def test_a_weight_of_more_digits_than_a_float_holds_comes_back(db):
    weight = D("123456.123456789012345")
    data = replace(
        sound(),
        indicators=(quantity("A", weight=weight), quantity("B", weight=D("0.1"))),
        levels=(),
        items=(),
    )
    framework = actions.import_framework(data, publish=True).framework
    read = read_framework(workbook_of(data_of(framework))).data
    assert [plain(row.weight) for row in read.indicators] == ["123456.123456789012345", "0.1"]


def test_a_draft_without_any_weight_comes_back_without(db):
    data = replace(sound(), indicators=(quantity("A"), quantity("B")), levels=(), items=())
    framework = actions.import_framework(data).framework
    assert [row.weight for row in read_framework(workbook_of(data_of(framework))).data.indicators] == [
        None,
        None,
    ]


def test_exported_headings_are_the_stable_names():
    import openpyxl

    workbook = openpyxl.load_workbook(io.BytesIO(workbook_of(sound())))
    assert workbook.sheetnames == [MAIN, LEVELS, ITEMS, ABOUT]
    assert [cell.value for cell in workbook[MAIN][1]] == [
        "编号 (code)", "上级编号 (parent)", "名称 (name_zh)", "英文名称 (name_en)", "分值 (points)", "类型 (kind)", "单位 (unit)",
        "评分曲线 (curve)", "归一化 (normalise)", "方向 (direction)", "汇总方式 (aggregation)", "口径 (definition)",
        "佐证要求 (evidence_hint)", "最少材料数 (evidence_min)", "责任单位 (department_hint)", "依据 (basis)",
    ]  # fmt: skip
    assert [row[0].value for row in workbook[ABOUT].iter_rows()][:4] == [
        "名称 (name_zh)", "英文名称 (name_en)", "代码 (code)", "版本 (edition)",
    ]  # fmt: skip


# --- published cases ---------------------------------------------------------------------------------------


def test_a_framework_like_the_human_development_index(run, db):
    content = book(**{
        MAIN: [
            ["code", "parent", "name_zh", "weight", "kind", "curve", "aggregation"],
            ["health", None, "健康", 1, None, None, None],
            ["le", "health", "预期寿命", 1, "quantity", "20:0|85:100", None],
            ["edu", None, "教育", 1, None, None, "arithmetic"],
            ["eys", "edu", "预期受教育年限", 1, "quantity", "0:0|18:100", None],
            ["mys", "edu", "平均受教育年限", 1, "quantity", "0:0|15:100", None],
            ["income", None, "收入", 1, None, None, None],
            ["gni", "income", "人均国民总收入", 1, "quantity", "log;100:0|75000:100", None],
        ],
        ABOUT: [["code", "HDI"], ["edition", 2022], ["aggregation", "geometric"], ["rank_decimals", 1], ["floor", "0.0001"]],
    })  # fmt: skip
    code, _out, err = run("import_framework", content, "--publish")
    assert (code, err) == (0, [])
    framework = Framework.objects.get(code="HDI", edition="2022")
    assert (framework.aggregation, framework.rank_decimals, framework.floor) == ("geometric", 1, 0.0001)
    tree = load_tree(framework)
    assert tree.engine.leaf_codes == ("le", "eys", "mys", "gni")
    assert tree.rows[6].curve.log


def test_the_reference_workbook_is_what_its_sources_make(tmp_path, run):
    assert run("build_reference_framework", "--out", tmp_path / "built.xlsx")[0] == 0
    assert (tmp_path / "built.xlsx").read_bytes() == WORKBOOK.read_bytes()


def test_the_reference_framework_imports_and_adds_up(db):
    read = read_framework(WORKBOOK)
    assert read.data == reference_framework()
    framework = actions.import_framework(read.data, publish=True).framework
    assert framework.provenance.startswith("参考稿 — 非附录原文")
    assert framework.bonus_cap == 5
    tree = load_tree(framework)
    scored = [row for row in tree.rows if row.indicator.is_leaf and not row.is_bonus]
    assert (len(tree.dimensions), len(scored), len(tree.leaves)) == (7, 55, 56)
    assert sum(row.indicator.points for row in scored) == 100
    assert sum(row.points for row in scored) == pytest.approx(100, abs=1e-9)
    assert all(
        row.points == pytest.approx(float(row.indicator.points), abs=1e-9)
        for row in tree.rows
        if not row.is_bonus
    )
    assert [row.maximum for row in tree.rows if row.maximum] == [5]
    assert workbook_of(data_of(framework)) == WORKBOOK.read_bytes()
