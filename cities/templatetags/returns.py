"""Remarks, late drafts, questions and changes of one answer, for whatever page shows it."""

from typing import Any

from django import template

from accounts.permissions import is_administrator
from cities.diffs import leaf_diff, version_of
from cities.models import Answer, LateDraft, Receipt, Return, ReturnItem
from cities.permissions import works_for_city
from cities.supplements import questions_for

register = template.Library()


@register.inclusion_tag("cities/_returned_remarks.html", takes_context=True)
def returned_remarks(context: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """What has to be changed at this answer. For the city, and what is official for the organisers. One query."""
    user = context["request"].user
    in_city = works_for_city(user, answer.submission)
    if not in_city and not is_administrator(user):
        return {"items": []}
    items = (
        ReturnItem.objects.filter(answer=answer, part_of__closed_at=None)
        .select_related("part_of")
        .order_by("-part_of_id")
    )
    if not in_city:
        items = items.filter(part_of__kind=Return.Kind.OFFICIAL)
    return {"items": list(items), "answer": answer}


@register.inclusion_tag("cities/_supplements_of.html", takes_context=True)
def supplements_of(context: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The reviewers' questions about this answer that this person may see."""
    user = context["request"].user
    return {
        "questions": questions_for(user, answer.submission, answer.indicator_id),
        "submission": answer.submission,
        "works_here": works_for_city(user, answer.submission),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("cities/_late_draft.html", takes_context=True)
def late_draft_of(context: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """What this person typed here after the cut-off, and nobody has admitted yet. One query."""
    user = context["request"].user
    draft = LateDraft.objects.filter(answer=answer, by=user.pk, admitted_at=None).first()
    return {"draft": draft, "rows": late_rows(draft) if draft else [], "indicator": answer.indicator}


@register.filter
def late_rows(draft: LateDraft) -> list[tuple[str, str]]:
    """The fields of a late draft that say something: label and text."""
    shown = {
        "value_text": "数值",
        "level": "等级",
        "items": "要点",
        "reason": "原因",
        "narrative": "情况说明",
    }
    rows = [(label, str(draft.content.get(name) or "")) for name, label in shown.items()]
    state = str(draft.content.get("value_state") or "")
    if state in (Answer.ValueState.NOT_APPLICABLE, Answer.ValueState.UNAVAILABLE):
        rows.insert(0, ("填报方式", str(Answer.ValueState(state).label)))
    return [(label, text) for label, text in rows if text]


@register.inclusion_tag("cities/_answer_diff.html")
def answer_changes(answer: Answer, since: int | None = None) -> dict[str, Any]:
    """已变更, with what differs between the version that was judged and the one handed in last.

    Args:
        since: the version that was judged (`Mark.answer_version`); without it, the receipt before the last one.

    Nothing is shown where nothing differs, or where there is no earlier receipt. At most two queries, one while
    `since` is the present version.
    """
    if since is not None and since == answer.version:
        return {"diff": None}
    receipts = list(Receipt.objects.filter(submission=answer.submission_id).order_by("-sequence"))
    if len(receipts) < 2:
        return {"diff": None}
    code = answer.indicator.code
    last, earlier = receipts[0], receipts[1:]
    judged = earlier[0]
    if since is not None:
        judged = next((one for one in earlier if version_of(one.content, code) == since), earlier[0])
    return {"diff": leaf_diff(code, judged.content, last.content), "before": judged, "after": last}
