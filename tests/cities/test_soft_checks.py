"""What deserves an explanation: against the last round, against the curve; it passes once it is explained."""

import pytest

from cities import actions
from cities.answers import Content
from cities.checks import soft_findings, soft_findings_of
from cities.models import Answer
from cities.previous import previous_answers, previous_of
from indicators import editions
from indicators.models import Framework, Indicator
from tests import make

pytestmark = pytest.mark.django_db
VALUE = Answer.ValueState.VALUE


def said(text: str, narrative: str = "") -> Content:
    return Content(VALUE, value_text=text, narrative=narrative)


@pytest.fixture
def framework():
    """A1 counts people on a curve from 0 to 1000."""
    made = make.framework(published=False)
    made.indicators.filter(code="A1").update(unit="人", curve="0:0|1000:100")
    Framework.objects.filter(pk=made.pk).update(status="published", published_at="2025-01-01T00:00Z")
    made.refresh_from_db()
    return made


def two_rounds(framework, before: str | None, now: str, *, newer=None, narrative: str = ""):
    """This year's answer to A1 of a city that reported `before` the year before."""
    city = make.city()
    contents = {"A1": said(before, "去年的说明") if before is not None else None}
    make.handed_in(city, make.round_(framework, year=2024), contents)
    submission = make.submission(city, make.round_(newer or framework, year=2025))
    return make.answer(submission, "A1", said(now, narrative))


def findings(answer: Answer) -> dict[str, str]:
    previous = previous_of(answer.submission, answer.indicator)
    return {one.kind: one.message for one in soft_findings(answer.indicator, answer, previous)}


def test_a_change_beyond_the_threshold_of_the_round_is_asked_about_in_words(framework):
    assert findings(two_rounds(framework, "500", "900"))["change"] == (
        "〔需说明〕本年 900，上年 500，变化 80%，超过 50%。如数据属实，请填写情况说明。"
    )
    assert findings(two_rounds(framework, "500", "740")) == {}
    assert "变化 60%" in findings(two_rounds(framework, "500", "200"))["change"]


def test_the_threshold_is_the_rounds_own(framework):
    answer = two_rounds(framework, "500", "740")
    answer.submission.round.change_threshold = 30
    assert "变化 48%，超过 30%" in findings(answer)["change"]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("50", "500", "上年的 10 倍"),
        ("500", "5.1", "上年的 100 分之一"),
        ("900", "0.9", "上年的 1000 分之一"),
    ],
)
def test_a_slip_of_the_decimal_point_is_named(framework, before, now, words):
    assert words in findings(two_rounds(framework, before, now))["slip"]


def test_a_large_change_that_is_no_power_of_ten_is_no_slip(framework):
    assert "slip" not in findings(two_rounds(framework, "50", "700"))


def test_nothing_where_there_was_something_is_asked_about(framework):
    found = findings(two_rounds(framework, "500", "0"))
    assert found == {"zero": "〔需说明〕本年为 0，上年 500 人。如数据属实，请填写情况说明。"}
    assert findings(two_rounds(framework, "0", "0")) == {}
    assert findings(two_rounds(framework, "0", "5")) == {}


def test_a_value_far_outside_the_curve_is_asked_about_also_without_a_last_round(framework):
    assert "range" in findings(two_rounds(framework, None, "30000"))
    assert "range" in findings(two_rounds(framework, None, "-3"))
    assert findings(two_rounds(framework, None, "1500")) == {}


def test_a_level_is_not_compared(framework):
    city = make.city()
    make.handed_in(city, make.round_(framework, year=2024), {"A2": Content(VALUE, level="D")})
    submission = make.submission(city, make.round_(framework, year=2025))
    assert findings(make.answer(submission, "A2", Content(VALUE, level="A"))) == {}


def test_the_explanation_lets_it_pass_and_stays_on_the_list(framework):
    answer = two_rounds(framework, "500", "900")
    with pytest.raises(actions.NotReady) as refusal:
        make.answer(answer.submission, "A1", said("900"), ready=True)
    assert [(one.field, one.message[:5]) for one in refusal.value.problems] == [("narrative", "〔需说明〕")]
    ready = make.answer(answer.submission, "A1", said("900", "新校区启用"), ready=True)
    assert ready.status == Answer.Status.APPROVED
    (found,) = soft_findings_of(answer.submission)[answer.indicator_id]
    assert (found.kind, found.explained) == ("change", True)


def test_an_unusual_number_saves_as_a_draft_without_a_word(framework):
    assert two_rounds(framework, "500", "900").status == Answer.Status.DRAFT


def test_only_what_was_handed_in_earlier_by_the_same_city_counts(framework):
    answer = two_rounds(framework, None, "900")
    city = answer.submission.city
    make.answer(make.submission(city, make.round_(framework, year=2022)), "A1", said("10"))  # never handed in
    make.handed_in(city, make.round_(framework, year=2026), {"A1": said("10")})  # later
    make.handed_in(make.city(), make.round_(framework, year=2023), {"A1": said("10")})  # another city
    make.handed_in(city, make.round_(framework, year=2023, is_demo=True), {"A1": said("10")})  # generated
    assert findings(answer) == {}
    make.handed_in(city, make.round_(framework, year=2021), {"A1": said("100")})
    assert "2021年 100" not in findings(answer).get("change", ""), "2024 has this leaf, though blank"


def test_an_edition_that_measures_differently_is_not_compared(framework):
    newer = editions.copy_edition(source=framework, edition="2", by=None)
    newer.indicators.filter(code="A1").update(unit="万人")
    Framework.objects.filter(pk=newer.pk).update(status="published", published_at="2025-02-01T00:00Z")
    newer.refresh_from_db()
    answer = two_rounds(framework, "500", "900", newer=newer)
    previous = previous_of(answer.submission, answer.indicator)
    assert (previous.broken, previous.value, previous.answer.value) == ("单位不同", None, 500)
    assert findings(answer) == {}


def test_an_edition_that_measures_the_same_is_compared(framework):
    newer = editions.copy_edition(source=framework, edition="2", by=None)
    Framework.objects.filter(pk=newer.pk).update(status="published", published_at="2025-02-01T00:00Z")
    newer.refresh_from_db()
    answer = two_rounds(framework, "500", "900", newer=newer)
    assert "变化 80%" in findings(answer)["change"]


def test_a_rubric_whose_bands_moved_is_not_compared(framework):
    newer = editions.copy_edition(source=framework, edition="2", by=None)
    newer.indicators.get(code="A2").levels.filter(level="B").update(score_min=70)
    Framework.objects.filter(pk=newer.pk).update(status="published", published_at="2025-02-01T00:00Z")
    newer.refresh_from_db()
    answer = two_rounds(framework, "500", "500", newer=newer)
    leaves = list(newer.indicators.exclude(kind=""))
    broken = {
        one.answer.indicator.code: one.broken for one in previous_answers(answer.submission, leaves).values()
    }
    assert broken == {"A1": "", "A2": "等级或要点的分值不同", "B1": "", "H1": ""}


@pytest.mark.parametrize("leaves", [1, 3])
def test_a_whole_submission_is_checked_in_a_constant_number_of_queries(django_assert_num_queries, leaves):
    made = make.framework(published=False)
    parent = made.indicators.get(code="B")
    for number in range(leaves):
        Indicator.objects.create(
            framework=made, code=f"B9.{number}", parent=parent, position=100 + number, name_zh="多", points=1,
            kind="quantity", curve="0:0|1:100",
        )  # fmt: skip
    Framework.objects.filter(pk=made.pk).update(status="published", published_at="2025-01-01T00:00Z")
    made.refresh_from_db()
    newer = editions.copy_edition(source=made, edition="2", by=None)
    Framework.objects.filter(pk=newer.pk).update(status="published", published_at="2025-02-01T00:00Z")
    newer.refresh_from_db()
    city = make.city()
    make.handed_in(city, make.round_(made, year=2024))
    submission = make.submission(city, make.round_(newer, year=2025))
    for number in range(leaves):
        make.answer(submission, f"B9.{number}", said("70"))
    with django_assert_num_queries(8):
        found = soft_findings_of(submission)
    assert len(found) == leaves
