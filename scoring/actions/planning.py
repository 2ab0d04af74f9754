"""Applying a plan of assignments that somebody has seen: all of it, or nothing when the facts have changed."""

from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.urls import reverse

from accounts import audit
from accounts.models import User
from accounts.notices import notify
from cities.actions import ActionRefused
from cities.models import Round
from scoring.actions.assigning import assign_reviewer, set_dimensions, take_off
from scoring.assigning import Facts, Options, Proposal, facts_of, propose
from scoring.assignment_workbook import Change, state_digest


class PlanChanged(Exception):
    """What would be written now is not what was seen; nothing was written."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__("plan changed")
        self.proposal = proposal


@transaction.atomic
def apply_plan(*, round_: Round, options: Options, seen: str, by: User) -> int:
    """Give out every new seat of the plan; how many.

    Args:
        seen: the fingerprint of the plan that was on the screen.

    Raises:
        PlanChanged: the plan, made again now, is another one.
        ActionRefused: there is no plan.
    """
    locked = Round.objects.select_for_update(of=("self",)).select_related("framework").get(pk=round_.pk)
    proposal = propose(facts_of(locked), options)
    if proposal.fingerprint != seen:
        raise PlanChanged(proposal)
    if proposal.troubles:
        raise ActionRefused("".join(proposal.troubles))
    for one in proposal.given:
        assign_reviewer(
            submission=one.submission, reviewer=one.person.user, by=by, dimensions=one.dimensions, tell=False
        )
    audit.record(
        actor=by, action="apply_assignment_plan", target=locked.code, seats=len(proposal.given), seed=options.seed,
        per_city=options.per_city, limit=options.limit, fingerprint=seen,
    )  # fmt: skip
    tell_new(round_=locked, counts=Counter(one.person.user for one in proposal.given), key=seen)
    return len(proposal.given)


def tell_new(*, round_: Round, counts: "Counter[User]", key: str) -> None:
    """One notice for each reviewer, however many cities came at once."""
    for reviewer, cities in counts.items():
        notify(
            [reviewer], kind="assigned", text=f"您有 {cities} 个城市的新评审任务：{round_}。",
            url=reverse("review:index"), key=f"assigned:{round_.pk}:{key[:32]}",
        )  # fmt: skip


@transaction.atomic
def apply_changes(*, round_: Round, changes: Sequence[Change], seen: str, by: User) -> int:
    """Do what a workbook asked for and somebody confirmed: those who leave first, then those who come.

    Args:
        seen: the digest of what was given out when the file was checked.

    Raises:
        ActionRefused: something was given out or taken back since, or a single change is not possible any more.
    """
    locked = Round.objects.select_for_update(of=("self",)).select_related("framework").get(pk=round_.pk)
    facts = facts_of(locked)
    if state_digest(facts) != seen:
        raise ActionRefused("检查之后分配有了变化，没有导入任何内容。请重新上传文件。")
    tasks = {(task.submission_id, task.seat): task for task in facts.tasks}
    for change in changes:
        if change.old and change.new != change.old:
            take_off(assignment=tasks[change.submission, change.seat], by=by)
    new = [change for change in changes if change.new and change.new != change.old]
    for change in new:
        _seat(facts, change, by)
    for change in changes:
        if change.new and change.new == change.old:
            set_dimensions(
                assignment=tasks[change.submission, change.seat], dimensions=change.dimensions, by=by
            )
    audit.record(actor=by, action="import_assignments", target=locked.code, changes=len(changes))
    people = {person.user.username: person.user for person in facts.people}
    tell_new(round_=locked, counts=Counter(people[change.new] for change in new), key=f"xlsx{seen}")
    return len(changes)


def _seat(facts: Facts, change: Change, by: User) -> None:
    reviewer = next((one.user for one in facts.people if one.user.username == change.new), None)
    submission = next((one for one in facts.submissions if one.pk == change.submission), None)
    if reviewer is None or submission is None:
        raise ActionRefused("检查之后分配有了变化，没有导入任何内容。请重新上传文件。")
    assign_reviewer(
        submission=submission,
        reviewer=reviewer,
        by=by,
        dimensions=change.dimensions,
        seat=change.seat,
        tell=False,
    )
