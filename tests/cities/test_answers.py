"""What typed text means, kind by kind, and the words for what is wrong with it."""

import pytest

from cities.answers import Content, resolve
from cities.models import Answer
from tests import make

pytestmark = pytest.mark.django_db
VALUE, BLANK = Answer.ValueState.VALUE, Answer.ValueState.BLANK


@pytest.fixture
def leaf():
    framework = make.framework()
    return lambda code: framework.indicators.get(code=code)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("12.5", 12.5),
        (" 12.5 ", 12.5),
        ("１２．５", 12.5),  # full-width digits
        ("1,280", 1280.0),
        ("１，２８０", 1280.0),
        ("1 280", 1280.0),
        ("12.5%", 12.5),
        ("12.5％", 12.5),
        ("-3", -3.0),
        ("−3", -3.0),  # the minus sign of a typographer
        ("0", 0.0),
        ("1e2", 100.0),
        ("1,234,567.8", 1234567.8),
    ],
)
def test_numbers_are_read_as_people_write_them(leaf, typed, value):
    resolved = resolve(leaf("A1"), Content(VALUE, value_text=typed), year=2025)
    assert (resolved.value, resolved.content.value_state) == (value, VALUE)
    assert resolved.content.value_text == typed, "what was typed stays as it was typed"


@pytest.mark.parametrize(
    "typed", ["十二", "12.5 %左右", "nan", "inf", "1e999", "12..5", "1,2", "1 2", "1_000", "٣"]
)
def test_what_is_no_number_is_kept_and_said(leaf, typed):
    resolved = resolve(leaf("A1"), Content(VALUE, value_text=typed), year=2025)
    assert resolved.value is None
    assert resolved.content.value_text == typed
    assert resolved.content.value_state == BLANK
    assert [problem.message for problem in resolved.problems] == [
        f"“{typed}”不是数字。请只填数字，例如 12.5，不要带单位。"
    ]


def test_zero_is_a_value_and_blank_is_not(leaf):
    assert resolve(leaf("A1"), Content(VALUE, value_text="0"), year=2025).content.value_state == VALUE
    blank = resolve(leaf("A1"), Content(VALUE), year=2025)
    assert (blank.value, blank.content.value_state) == (None, BLANK)
    assert [problem.message for problem in blank.problems] == [
        "请填写“指标A1”的2025年数值。没有数据时，请选择“无法提供”并说明原因。"
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("120", "比例应在 0 到 100 之间，当前为 120。"),
        ("12.34567", "请以“%”为单位填写，最多保留 4 位小数。"),
    ],
)
def test_a_value_out_of_range_is_kept_and_blocks(leaf, typed, words):
    resolved = resolve(leaf("A1"), Content(VALUE, value_text=typed), year=2025)
    assert resolved.value == float(typed)
    assert [problem.message for problem in resolved.problems] == [words]


def test_a_level_takes_the_upper_end_of_its_band_unless_a_score_is_given(leaf):
    assert resolve(leaf("A2"), Content(VALUE, level="B"), year=2025).value == 89
    assert resolve(leaf("A2"), Content(VALUE, level="B", value_text="80"), year=2025).value == 80
    wrong = resolve(leaf("A2"), Content(VALUE, level="B", value_text="95"), year=2025)
    assert wrong.value is None
    assert wrong.problems[0].message == "“良好”的评分应在 75 到 89 之间，当前为 95。"
    none = resolve(leaf("A2"), Content(VALUE), year=2025)
    assert none.problems[0].message == "请选择最符合实际的评分等级。"


def test_a_checklist_counts_the_items_met_and_none_met_is_a_real_zero(leaf):
    assert resolve(leaf("B1"), Content(VALUE, items="2;1"), year=2025).value == 100
    assert resolve(leaf("B1"), Content(VALUE, items="2"), year=2025).value == 40
    nothing = resolve(leaf("B1"), Content(VALUE, items="0"), year=2025)
    assert (nothing.value, nothing.content.value_state) == (0, VALUE)
    assert resolve(leaf("B1"), Content(VALUE), year=2025).content.value_state == BLANK
    both = resolve(leaf("B1"), Content(VALUE, items="0;1"), year=2025)
    assert both.problems[0].message == "“以上均未达到”不能与其他要点同时勾选。"


def test_a_bonus_need_not_be_claimed_and_stays_below_its_maximum(leaf):
    assert resolve(leaf("H1"), Content(VALUE), year=2025).problems == ()
    assert resolve(leaf("H1"), Content(VALUE, value_text="3.5"), year=2025).value == 3.5
    over = resolve(leaf("H1"), Content(VALUE, value_text="9"), year=2025)
    assert over.problems[0].message == "加分应在 0 到 5 之间，当前为 9。"


@pytest.mark.parametrize("state", [Answer.ValueState.NOT_APPLICABLE, Answer.ValueState.UNAVAILABLE])
def test_without_a_value_a_reason_is_due(leaf, state):
    silent = resolve(leaf("A1"), Content(state, value_text="7"), year=2025)
    assert silent.value is None
    assert silent.problems[0].message == f"选择“{state.label}”时，请说明原因。"
    assert resolve(leaf("A1"), Content(state, reason="本市没有"), year=2025).problems == ()


def test_too_long_a_narrative_says_by_how_much(leaf):
    resolved = resolve(leaf("A1"), Content(VALUE, value_text="1", narrative="字" * 2003), year=2025)
    assert resolved.problems[0].message == "情况说明最多 2000 字，已超出 3 字，请删减。"


def test_the_least_number_of_evidence_files_is_asked_for(leaf):
    rubric = leaf("A2")
    rubric.evidence_min = 2
    resolved = resolve(rubric, Content(VALUE, level="A"), year=2025, evidence_count=1)
    assert (
        resolved.problems[0].message
        == "“优秀”至少需要 2 份佐证材料，现有 1 份。请补充材料，或改选符合实际的等级。"
    )


def test_a_percent_sign_counts_only_where_the_unit_is_one(leaf):
    funding = leaf("A1")
    funding.unit = "元/人·年"
    assert resolve(funding, Content(VALUE, value_text="12%"), year=2025).value is None


@pytest.mark.parametrize(
    ("unit", "typed", "value"),
    [
        ("人", "3.2万", 32000.0),
        ("人", "３．２ 万", 32000.0),
        ("人", "1,280万", 12_800_000.0),
        ("元", "1.5亿", 150_000_000.0),
        ("元/人·年", "0.12345万", 1234.5),
        ("‰", "2.5‰", 2.5),
        ("人", "1,280", 1280.0),
        ("人", "１２８０", 1280.0),
        ("万人", "3.2", 3.2),
    ],
)
def test_large_numbers_are_understood_where_they_can_mean_one_thing_only(leaf, unit, typed, value):
    people = leaf("A1")
    people.unit = unit
    resolved = resolve(people, Content(VALUE, value_text=typed), year=2025)
    assert (resolved.value, resolved.problems) == (value, ())


@pytest.mark.parametrize(("unit", "typed"), [("万人", "3.2万"), ("亿元", "3万"), ("%", "3万")])
def test_a_large_number_in_a_large_unit_is_asked_about(leaf, unit, typed):
    people = leaf("A1")
    people.unit = unit
    resolved = resolve(people, Content(VALUE, value_text=typed), year=2025)
    assert resolved.value is None
    assert [problem.message for problem in resolved.problems] == [
        f"“{typed}”里的“万”与单位“{unit}”重复或不一致。请换算成以“{unit}”为单位，只填数字。"
    ]


def test_a_word_alone_or_twice_is_no_number(leaf):
    people = leaf("A1")
    people.unit = "人"
    for typed in ("万", "3万万", "3万5千", "三万"):
        resolved = resolve(people, Content(VALUE, value_text=typed), year=2025)
        assert resolved.problems[0].message == f"“{typed}”不是数字。请只填数字，例如 12.5，不要带单位。"
