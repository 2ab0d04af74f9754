"""Several people at the same moment, on real connections of their own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from cities import actions
from cities.answers import Content
from cities.models import Answer, Evidence, Receipt, Submission
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)
VALUE = Answer.ValueState.VALUE
PEOPLE = 4


def at_once(work) -> list:
    """Run `work(number)` in several threads that start together; returns what each came to."""
    start = Barrier(PEOPLE)

    def run(number: int):
        start.wait(timeout=10)
        try:
            return work(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(run, range(PEOPLE)))


def test_many_clicks_at_once_make_one_submission_and_one_receipt():
    submission = make.submission()
    lead = make.member(submission.city)
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)

    results = at_once(
        lambda _: actions.submit_submission(submission=submission, by=lead, declared=True).number
    )

    assert results == [Receipt.objects.get().number] * PEOPLE


def test_files_uploaded_at_once_get_numbers_of_their_own():
    submission = make.submission()
    lead = make.member(submission.city)
    leaf = submission.round.framework.indicators.get(code="A1")

    results = at_once(
        lambda number: (
            actions.add_evidence(
                submission=submission, indicator=leaf, upload=make.pdf(f"file {number}"), by=lead
            ).number
        )
    )

    assert sorted(results) == ["A1-01", "A1-02", "A1-03", "A1-04"]


def test_the_same_bytes_uploaded_at_once_to_different_indicators_are_stored_once():
    submission = make.submission()
    lead = make.member(submission.city)
    leaves = list(submission.round.framework.indicators.exclude(kind=""))

    results = at_once(
        lambda number: (
            actions.add_evidence(
                submission=submission, indicator=leaves[number], upload=make.pdf("same"), by=lead
            ).number
        )
    )

    assert sorted(results) == ["A1-01", "A2-01", "B1-01", "H1-01"]
    assert Evidence.objects.values("file").distinct().count() == 1


def test_the_same_field_saved_at_once_is_won_by_one_and_told_to_the_others():
    submission = make.submission()
    make.answer(submission, "A1", Content(VALUE, value_text="1"))

    results = at_once(
        lambda number: (
            make.answer(submission, "A1", Content(VALUE, value_text=f"1{number}"), seen_version=1).value_text
        )
    )

    won = [one for one in results if isinstance(one, str)]
    assert won == [submission.answers.get(indicator__code="A1").value_text]
    assert sum(isinstance(one, actions.AnswerConflict) for one in results) == PEOPLE - 1


def test_a_save_that_meets_the_submission_is_in_it_or_refused():
    submission = make.submission()
    lead = make.member(submission.city)
    for code in ("A1", "A2", "B1"):
        make.answer(submission, code)

    def work(number: int):
        if number == 0:
            return actions.submit_submission(submission=submission, by=lead, declared=True)
        return make.answer(submission, "H1", Content(VALUE, value_text=str(number)))

    at_once(work)

    handed_in = Receipt.objects.get().content
    stored = submission.answers.get(indicator__code="H1")
    assert Submission.objects.get().status == Submission.Status.SUBMITTED
    assert next(one for one in handed_in["answers"] if one["code"] == "H1")["version"] == stored.version
