"""Every address for every role. A new address without a row here fails `test_the_table_names_every_address`."""

import re
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from cities import actions as city_actions
from indicators import consultation as consultations
from scoring import document_jobs, jobs
from scoring.actions import visits
from scoring.actions.compute import compute_round
from tests import make

pytestmark = pytest.mark.django_db

LOGIN = "login"  # sent to sign in
ROLES = ("anonymous", "outsider", "staff", "reviewer", "administrator")
ADMIN_ONLY = (LOGIN, 404, 404, 404, 200)

#: route -> what a GET answers per role, in the order of ROLES. `staff` leads city `a`, which is filling in;
#: `reviewer` reviews city `b`, which has handed in. `outsider` is staff of a city that takes part in nothing.
TABLE: dict[str, tuple] = {
    "": (200, 200, 302, 302, 302),  # the home of each role
    "help/": (200,) * 5,
    "health": (200,) * 5,
    "ready": (200,) * 5,
    "csp": (405,) * 5,  # POST only
    "i18n/setlang/": (302,) * 5,
    "account/login/": (200, 302, 302, 302, 302),
    "account/logout/": (LOGIN, 405, 405, 405, 405),
    "account/password/": (LOGIN, 200, 200, 200, 200),
    "notifications/": (LOGIN, 200, 200, 200, 200),
    "notifications/read/": (LOGIN, 405, 405, 405, 405),
    "notifications/digest/": (LOGIN, 405, 405, 405, 405),
    "notifications/999999/": (LOGIN, 405, 405, 405, 405),
    "framework/": (LOGIN, 200, 200, 200, 200),
    "framework/import/": ADMIN_ONLY,
    "framework/import/file/999999/": (LOGIN, 404, 404, 404, 404),  # an upload is its owner's alone
    "framework/import/file/999999/confirm/": (LOGIN, 404, 404, 404, 404),
    "framework/import/file/999999/cancel/": (LOGIN, 405, 405, 405, 405),  # POST only
    "framework/{framework}/1/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/export/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/copy/": (LOGIN, 403, 403, 403, 200),
    "framework/{framework}/1/diff/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/check/": (LOGIN, 403, 403, 403, 200),
    "framework/{framework}/1/publish/": (LOGIN, 403, 403, 403, 302),  # published already
    "framework/{framework}/1/retire/": (LOGIN, 403, 403, 403, 200),
    "framework/{framework}/1/print/": (LOGIN, 200, 200, 200, 200),
    "framework/{framework}/1/word/": (LOGIN, 200, 200, 200, 200),
    "framework/{draft}/1/copy/": ADMIN_ONLY,
    "framework/{draft}/1/diff/": ADMIN_ONLY,
    "framework/{draft}/1/check/": ADMIN_ONLY,
    "framework/{draft}/1/publish/": ADMIN_ONLY,
    "framework/{draft}/1/retire/": (LOGIN, 404, 404, 404, 302),  # nothing to retire
    "framework/{draft}/1/print/": ADMIN_ONLY,
    "framework/{draft}/1/word/": ADMIN_ONLY,
    "framework/{draft}/1/": ADMIN_ONLY,
    "framework/{draft}/1/edit/": ADMIN_ONLY,
    "framework/{framework}/1/edit/": (LOGIN, 403, 403, 403, 403),  # published: read-only
    "framework/{draft}/1/edit/row/1/": (LOGIN, 405, 405, 405, 405),
    "framework/{draft}/1/edit/i/A1/": ADMIN_ONLY,
    "framework/{draft}/1/edit/i/none/": (LOGIN, 404, 404, 404, 404),
    "framework/{draft}/1/edit/i/A1/delete/": ADMIN_ONLY,
    "framework/{draft}/1/edit/curve/": ADMIN_ONLY,
    "framework/{draft}/1/edit/settings/": ADMIN_ONLY,
    "framework/{draft}/1/edit/undo/1/": (LOGIN, 405, 405, 405, 405),
    "framework/{draft}/1/edit/changes/": ADMIN_ONLY,
    "framework/{draft}/1/consultation/open/": ADMIN_ONLY,
    "framework/{draft}/1/consultation/": (LOGIN, 404, 404, 404, 302),  # to the page that opens one
    "framework/{consulted}/1/": (LOGIN, 200, 200, 200, 200),  # while it is open for comment
    "framework/{consulted}/1/consultation/": (LOGIN, 200, 200, 200, 200),
    "framework/{consulted}/1/consultation/open/": (LOGIN, 403, 403, 403, 302),
    "framework/{consulted}/1/consultation/comment/": (LOGIN, 200, 200, 200, 403),
    "framework/{consulted}/1/consultation/comment/{comment}/": (LOGIN, 404, 200, 404, 200),
    "framework/{consulted}/1/consultation/comment/{comment}/withdraw/": (LOGIN, 404, 200, 404, 200),
    "framework/{consulted}/1/consultation/form/": (LOGIN, 200, 200, 200, 200),
    "framework/{consulted}/1/consultation/upload/": (LOGIN, 200, 200, 200, 403),
    "framework/{consulted}/1/consultation/upload/confirm/": (LOGIN, 405, 405, 405, 405),
    "framework/{consulted}/1/consultation/settings/": (LOGIN, 403, 403, 403, 200),
    "framework/{consulted}/1/consultation/close/": (LOGIN, 403, 403, 403, 200),
    "framework/{consulted}/1/consultation/publish/": (LOGIN, 403, 403, 403, 200),
    "framework/{consulted}/1/consultation/collation/": (LOGIN, 403, 403, 403, 200),
    "framework/{consulted}/1/consultation/answer/": (LOGIN, 403, 403, 403, 302),  # nothing chosen
    "framework/{consulted}/1/consultation/export/": (LOGIN, 403, 403, 403, 200),
    "framework/weights/": (LOGIN, 200, 200, 200, 200),  # one's own comparisons
    "framework/{draft}/1/weights/": ADMIN_ONLY,
    "framework/{draft}/1/weights/group/A/": ADMIN_ONLY,
    "framework/{draft}/1/weights/ahp/new/": ADMIN_ONLY,
    "framework/{draft}/1/weights/ahp/0/": (LOGIN, 404, 404, 404, 404),  # no such exercise
    "framework/{draft}/1/weights/ahp/0/close/": (LOGIN, 405, 405, 405, 405),
    "framework/{draft}/1/weights/ahp/0/adopt/A/": (LOGIN, 405, 405, 405, 405),
    "framework/{draft}/1/weights/ahp/0/reopen/0/": (LOGIN, 405, 405, 405, 405),
    "framework/{draft}/1/weights/ahp/0/fill/A/": (LOGIN, 404, 404, 404, 404),  # nobody was asked
    "s/{a}/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/assign/": (LOGIN, 404, 200, 404, 403),  # the city lead's alone
    "s/{b}/assign/": (LOGIN, 404, 404, 403, 403),
    "s/{a}/assign/departments/": (LOGIN, 405, 405, 405, 405),  # POST only
    "s/{a}/assign/departments/999999/": (LOGIN, 404, 404, 404, 403),
    "s/{a}/assign/workbook/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/assign/upload/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/assign/upload/confirm/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/approve/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/board/": (LOGIN, 404, 200, 404, 403),
    "s/{b}/board/": (LOGIN, 404, 404, 403, 403),  # a reviewer learns nothing of a city's inner matters
    "s/{a}/members/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/members/999999/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/members/999999/remove/": (LOGIN, 404, 404, 404, 403),
    "s/{a}/invitations/999999/withdraw/": (LOGIN, 405, 405, 405, 405),
    "join/nothing/": (404,) * 5,  # a one-time link that does not exist
    "s/{a}/i/A1/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/i/A/": (LOGIN, 404, 404, 404, 404),  # no leaf
    "s/{a}/i/A1/history/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/i/A1/history/1/restore/": (LOGIN, 405, 405, 405, 405),  # POST only
    "s/{a}/copy/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/evidence/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/{evidence_a}/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/{evidence_a}/delete/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/evidence/{evidence_a}/edit/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/evidence/{evidence_a}/preview/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/{evidence_a}/page/1.png": (LOGIN, 404, 404, 404, 404),  # no real PDF
    "s/{a}/evidence/download/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/evidence/zip/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/evidence/zip/999999/": (LOGIN, 404, 404, 404, 403),  # an upload is its owner's alone
    "s/{a}/evidence/zip/999999/drop/": (LOGIN, 405, 405, 405, 405),  # POST only
    "s/{a}/i/A1/evidence/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/i/A1/evidence/cite/": (LOGIN, 404, 200, 404, 403),
    "s/{b}/evidence/{evidence_b}/preview/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/evidence/{evidence_b}/edit/": (LOGIN, 404, 404, 403, 403),
    "s/{b}/evidence/download/": (LOGIN, 404, 404, 200, 200),
    "visits/": (LOGIN, 404, 404, 200, 200),
    "visits/new/{b}/": (LOGIN, 404, 404, 404, 200),
    "visits/{visit}/": (LOGIN, 404, 404, 200, 200),
    "visits/{visit}/edit/": (LOGIN, 404, 404, 403, 200),
    "visits/{visit}/notes/": (LOGIN, 405, 405, 405, 405),
    "visits/{visit}/photos/": (LOGIN, 405, 405, 405, 405),
    "visits/{visit}/photos/999999/": (LOGIN, 404, 404, 404, 404),
    "visits/{visit}/summary/": (LOGIN, 405, 405, 405, 405),
    "visits/{visit}/report/": (LOGIN, 404, 404, 200, 200),
    "cases/{hidden}/": (LOGIN, 404, 404, 200, 200),
    "cases/{hidden}/{b}/": (LOGIN, 404, 404, 200, 200),
    "cases/{hidden}/{a}/": (LOGIN, 404, 404, 404, 404),  # not handed in
    "cases/{hidden}/{b}/recommend/": (LOGIN, 405, 405, 405, 405),
    "cases/{hidden}/{b}/withdraw/": (LOGIN, 405, 405, 405, 405),
    "cases/{hidden}/{b}/decide/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/case/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/case/": (LOGIN, 404, 404, 200, 200),
    "s/{a}/case/document/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/case/pictures/999999/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/case/title/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/case/nothing/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/case/title/history/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/case/title/restore/1/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/case/title/pictures/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/case/title/pictures/999999/delete/": (LOGIN, 404, 404, 404, 403),
    "s/{a}/upload/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/upload/template/": (LOGIN, 404, 200, 404, 403),
    "s/{a}/upload/0/": (LOGIN, 404, 404, 404, 403),  # no such upload
    "s/{a}/upload/0/confirm/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/upload/0/drop/": (LOGIN, 405, 405, 405, 405),
    "s/{a}/upload/0/annotated/": (LOGIN, 404, 404, 404, 403),
    "s/{a}/upload/0/undo/": (LOGIN, 404, 404, 404, 403),
    "s/{a}/check/": (LOGIN, 404, 200, 404, 200),
    "s/{a}/submit/": (LOGIN, 404, 302, 404, 403),  # not complete: to the check
    "s/{a}/receipt/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/i/A1/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/evidence/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/evidence/{evidence_b}/": (LOGIN, 404, 404, 200, 200),
    "s/{a}/evidence/{evidence_b}/": (
        LOGIN,
        404,
        404,
        404,
        404,
    ),  # another city's file under one's own address
    "s/{b}/receipt/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/receipt/1/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/receipt/1/content/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/diff/1/2/": (LOGIN, 404, 404, 404, 404),  # handed in once
    "s/{a}/returns/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/returns/": (LOGIN, 404, 404, 403, 200),  # between the city and the organisers
    "s/{a}/supplements/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/supplements/": (LOGIN, 404, 404, 200, 200),
    "s/{b}/supplements/999999/": (LOGIN, 404, 404, 404, 404),
    "s/{b}/supplements/999999/withdraw/": (LOGIN, 405, 405, 405, 405),
    "review/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/i/A1/": (LOGIN, 404, 404, 200, 404),
    "review/recusals/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/recuse/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/finish/": (LOGIN, 404, 404, 200, 404),
    "review/{assignment}/i/A1/ask/": (LOGIN, 404, 404, 200, 404),
    "review/phrases/": (LOGIN, 404, 404, 200, 404),
    "review/phrases/0/remove/": (LOGIN, 405, 405, 405, 405),  # POST only
    "review/{other_assignment}/i/A1/": (LOGIN, 404, 404, 404, 404),  # another reviewer's
    "moderation/": ADMIN_ONLY,  # and moderators
    "moderation/{hidden}/": ADMIN_ONLY,
    "moderation/{hidden}/appeals/": ADMIN_ONLY,
    "moderation/{hidden}/appeals/999999/": (LOGIN, 404, 404, 404, 404),
    "moderation/{hidden}/release/{snapshot}/": ADMIN_ONLY,
    "moderation/{hidden}/{b}/A1/": ADMIN_ONLY,
    "moderation/{hidden}/{a}/A1/": (LOGIN, 404, 404, 404, 404),  # not handed in
    "moderation/{hidden}/{b}/A1/rule/": ADMIN_ONLY,
    "moderation/{hidden}/{b}/A1/ask/": (LOGIN, 404, 404, 404, 404),  # no divergence there
    "moderation/{hidden}/{b}/A1/accept/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/provisional/": (LOGIN, 404, 404, 404, 404),  # nothing was sent yet
    "s/{a}/appeal/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/appeal/A1/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/appeal/999999/withdraw/": (LOGIN, 404, 404, 404, 404),
    "s/{a}/trail/": (LOGIN, 404, 200, 404, 200),
    "s/{b}/trail/": (LOGIN, 404, 404, 404, 200),
    "api/": (200,) * 5,
    "api/{open}": (404,) * 5,  # no such address
    "api/v1/": (200,) * 5,
    "api/v1/openapi.json": (200,) * 5,
    "api/v1/rounds.json": (200,) * 5,
    "api/v1/rounds.csv": (200,) * 5,
    "api/v1/rounds/{hidden}/": (404,) * 5,  # also for those who see the pages
    "api/v1/rounds/{open}/": (200,) * 5,
    "api/v1/rounds/{open}/results.json": (200,) * 5,
    "api/v1/rounds/{open}/results.csv": (200,) * 5,
    "api/v1/rounds/{open}/framework.json": (200,) * 5,
    "api/v1/rounds/{open}/framework.csv": (200,) * 5,
    "api/v1/rounds/{open}/method.json": (200,) * 5,
    "api/v1/rounds/{open}/cities.json": (200,) * 5,
    "api/v1/rounds/{open}/cities.csv": (200,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/": (404,) * 5,  # another round's
    "api/v1/rounds/{open}/snapshots/{snapshot}/results.json": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/results.csv": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/framework.json": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/framework.csv": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/method.json": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/cities.json": (404,) * 5,
    "api/v1/rounds/{open}/snapshots/{snapshot}/cities.csv": (404,) * 5,
    "results/": (200,) * 5,
    "results/{hidden}/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/": ADMIN_ONLY,
    "results/{hidden}/i/A1/": ADMIN_ONLY,
    "results/{hidden}/compare/": ADMIN_ONLY,
    "results/{hidden}/heat/": ADMIN_ONLY,
    "results/{hidden}/change/": ADMIN_ONLY,
    "results/{hidden}/method/": ADMIN_ONLY,
    "results/{hidden}/export/": ADMIN_ONLY,
    "results/{hidden}/agreement/": ADMIN_ONLY,
    "results/{open}/agreement/": (LOGIN, 404, 404, 200, 200),  # reviewers without names
    "results/{hidden}/report/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/report/": ADMIN_ONLY,
    "results/{hidden}/documents/": ADMIN_ONLY,
    "results/{hidden}/documents/{document}/": ADMIN_ONLY,
    "results/{hidden}/documents/{document}/file/": (LOGIN, 404, 404, 404, 404),  # not made yet
    "results/{open}/report/": (200,) * 5,
    "results/{open}/city/{city_open}/report/": (200,) * 5,
    "results/{open}/documents/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/why/A1/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/improve/": ADMIN_ONLY,
    "results/{hidden}/city/{city_b}/what-if/": ADMIN_ONLY,
    "results/{hidden}/robust/": ADMIN_ONLY,
    "results/{hidden}/framework/": ADMIN_ONLY,
    "results/{open}/city/{city_open}/why/A1/": (200,) * 5,
    "results/{open}/city/{city_open}/improve/": ADMIN_ONLY,  # and the city's own people
    "results/{open}/city/{city_open}/what-if/": ADMIN_ONLY,
    "results/{open}/robust/": (200,) * 5,
    "results/{open}/framework/": (LOGIN, 403, 403, 403, 200),
    "results/{open}/": (200,) * 5,
    "results/{open}/city/{city_open}/": (200,) * 5,
    "results/{open}/i/A1/": (200,) * 5,
    "results/{open}/compare/": (200,) * 5,
    "results/{open}/heat/": (200,) * 5,
    "results/{open}/change/": (200,) * 5,
    "results/{open}/method/": (200,) * 5,
    "results/{open}/method/inputs.json": (200,) * 5,
    "results/{open}/method/results.csv": (200,) * 5,
    "results/{open}/method/framework.xlsx": (200,) * 5,
    "results/{hidden}/method/inputs.json": ADMIN_ONLY,
    "results/{hidden}/method/results.csv": ADMIN_ONLY,
    "results/{hidden}/method/framework.xlsx": ADMIN_ONLY,
    "results/{hidden}/snapshots/{snapshot}/": (302,) * 5,  # on to the page that checks who asks
    "results/{open}/export/": (LOGIN, 403, 403, 403, 200),  # who may read the pages knows that it is there
    "manage/rounds/": ADMIN_ONLY,
    "manage/rounds/new/": ADMIN_ONLY,
    "manage/rounds/{hidden}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/enrol/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/assign/{b}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/plan/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/workbook/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/upload/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/upload/confirm/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/assignment/anchors/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/calibration/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/recusals/": ADMIN_ONLY,
    "manage/rounds/{hidden}/assignment/recusals/0/lift/": (LOGIN, 404, 404, 404, 404),  # no such recusal
    "manage/rounds/{hidden}/tasks/{assignment}/dimensions/": ADMIN_ONLY,
    "manage/rounds/{hidden}/tasks/{assignment}/take-off/": ADMIN_ONLY,
    "manage/rounds/{hidden}/tasks/{assignment}/reopen/": ADMIN_ONLY,
    "manage/rounds/{hidden}/progress/": ADMIN_ONLY,
    "manage/rounds/{hidden}/progress/remind/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/progress/export/": ADMIN_ONLY,
    "manage/rounds/{hidden}/settings/": ADMIN_ONLY,
    "manage/reviewers/": ADMIN_ONLY,
    "manage/reviewers/0/": (LOGIN, 404, 404, 404, 404),  # no such reviewer
    "manage/rounds/{hidden}/import/": ADMIN_ONLY,
    "manage/rounds/{hidden}/import/template/": ADMIN_ONLY,
    "manage/rounds/{hidden}/import/confirm/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/import/drop/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/returns/": ADMIN_ONLY,
    "manage/rounds/{hidden}/returns/{b}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/extend/{a}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/compute/": (LOGIN, 405, 405, 405, 405),
    "manage/rounds/{hidden}/jobs/{job}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/publish/{snapshot}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/finalise/{snapshot}/": ADMIN_ONLY,
    "manage/rounds/{hidden}/publishing/": ADMIN_ONLY,
    "manage/rounds/{hidden}/publishing/audience/": ADMIN_ONLY,
    "manage/rounds/{hidden}/publishing/recompute/": (LOGIN, 405, 405, 405, 405),  # POST only
    "manage/frameworks/{draft}/1/advice/": ADMIN_ONLY,
    "manage/frameworks/{draft}/1/advice/0/A/entropy/": (LOGIN, 405, 405, 405, 405),
    "manage/audit/": ADMIN_ONLY,
    "admin/": (302, 404, 404, 404, 200),  # on to the one sign-in page
}


def _comment(by):
    """A comment in a consultation that is open."""
    consultation = consultations.open_consultation(
        framework=make.framework(published=False), title="征求意见", invitation="", shares_comments=False,
        closes_at=timezone.now() + timedelta(days=7), by=make.user("administrator"),
    )  # fmt: skip
    said = consultations.CommentText("A1", "weight", "分值偏高")
    return consultations.add_comment(consultation=consultation, content=said, organisation="甲市", by=by)


@pytest.fixture
def world():
    """Two cities in a round with hidden results, one in a round with published ones, and a person per role."""
    hidden = make.round_()
    a, b = make.submission(in_round=hidden), make.submission(in_round=hidden)
    leads = {one.pk: make.member(one.city) for one in (a, b)}
    leaf = hidden.framework.indicators.get(code="A1")
    files = {
        one.pk: city_actions.add_evidence(submission=one, indicator=leaf, upload=make.pdf(), by=leads[one.pk])
        for one in (a, b)
    }
    for code in ("A1", "A2", "B1"):
        make.answer(b, code)
    city_actions.hand_in(submission=b, by=leads[b.pk])
    task, other = make.assignment(b), make.assignment(b)
    computed = compute_round(round=hidden, by=None, draws=0)
    shown = make.round_()
    published = make.confirmed(make.handed_in(in_round=shown))
    compute_round(round=shown, by=None, draws=0)
    make.published(snapshot=shown.snapshots.first(), by=make.user("administrator"))
    comment = _comment(by=leads[a.pk])
    today = timezone.localdate()
    visit = visits.record_visit(
        submission=b, starts_on=today, ends_on=today, members=[], other_members="", itinerary="",
        by=make.user("administrator"),
    )  # fmt: skip
    return {
        "people": {
            "anonymous": None,
            "outsider": make.member(make.city()),
            "staff": leads[a.pk],
            "reviewer": task.reviewer,
            "administrator": make.user("administrator"),
        },
        "names": {
            "framework": hidden.framework.code, "draft": make.framework(published=False).code, "a": a.pk, "b": b.pk,
            "visit": visit.pk, "evidence_a": files[a.pk].pk, "evidence_b": files[b.pk].pk, "assignment": task.pk,
            "other_assignment": other.pk, "hidden": hidden.code, "open": shown.code,
            "job": jobs.enqueue(round=hidden, by=None).pk, "city_b": b.city.code,
            "city_open": published.city.code,
            "document": document_jobs.enqueue(snapshot=computed, kind="round_report", by=None).pk,
            "snapshot": computed.pk, "comment": comment.pk,
            "consulted": comment.consultation.framework.code,
        },
    }  # fmt: skip


def _routes(patterns, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            found |= _routes(pattern.url_patterns, route)
        else:
            assert isinstance(pattern, URLPattern | URLResolver)
            found.add(re.sub(r"<[^>]*>", "{}", route))
    return found


def test_the_table_names_every_address():
    rows = {re.sub(r"\{\w+\}", "{}", route) for route in TABLE}
    missing = []
    for route in _routes(get_resolver().url_patterns):
        shape = re.compile(re.escape(route).replace(r"\{\}", r"[^/]+") + "$")
        if not any(shape.match(row) for row in rows):
            missing.append(route)
    assert not missing


@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_each_role_as_the_table_says(client, world, role):
    person = world["people"][role]
    if person is not None:
        client.force_login(person)
    wrong = {}
    for route, answers in TABLE.items():
        expected = answers[ROLES.index(role)]
        response = client.get("/" + route.format(**world["names"]))
        actual = response.status_code
        if actual == 302 and response["Location"].startswith("/account/login/"):
            actual = LOGIN
        if actual != expected:
            wrong[route] = f"{actual}, not {expected}"
        if response.streaming:
            b"".join(response.streaming_content)
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
def test_only_those_in_charge_can_write(client, world, role):
    """Each POST by somebody who may not: refused, and never half done."""
    person = world["people"][role]
    if person is not None:
        client.force_login(person)
    names = world["names"]
    allowed = {
        "s/{a}/i/A1/": "staff",
        "review/{assignment}/i/A1/": "reviewer",
        "manage/rounds/new/": "administrator",
        "manage/rounds/{hidden}/enrol/": "administrator",
        "manage/rounds/{hidden}/assign/{b}/": "administrator",
        "manage/rounds/{hidden}/compute/": "administrator",
    }
    for route, who in allowed.items():
        response = client.post("/" + route.format(**names), {})
        if role == who:
            assert response.status_code in (200, 302, 422), route
        elif role == "anonymous":
            assert response["Location"].startswith("/account/login/"), route
        else:
            assert response.status_code in (403, 404), route


def test_a_part_of_a_page_asked_for_after_sign_out_gets_401_and_no_form(client, world):
    response = client.get(f"/s/{world['names']['a']}/", headers={"HX-Request": "true"})
    assert (response.status_code, "<form" in response.content.decode()) == (401, False)
