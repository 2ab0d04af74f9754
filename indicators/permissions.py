"""Who may see and change frameworks."""

from typing import Any

import rules

from accounts.permissions import is_administrator, is_reviewer
from indicators.models import Comment, Consultation
from indicators.organisations import organisation_of


@rules.predicate
def is_published(_user: Any, framework: Any) -> bool:
    return framework is not None and not framework.is_draft


@rules.predicate
def is_uploader(user: Any, pending: Any) -> bool:
    return pending is not None and pending.owner_id == user.pk


@rules.predicate
def is_participant(user: Any) -> bool:
    """Who is asked in a consultation: reviewers, and staff of any city."""
    return bool(is_reviewer(user)) or bool(
        user.is_active and not is_administrator(user) and organisation_of(user)
    )


@rules.predicate
def is_consulted_on(_user: Any, framework: Any) -> bool:
    """The draft is open for comment at this moment."""
    consultation = Consultation.objects.filter(framework=framework).select_related("framework").first()
    return consultation is not None and consultation.is_open()


@rules.predicate
def is_open_for_comment(_user: Any, consultation: Consultation | None) -> bool:
    return consultation is not None and consultation.is_open()


@rules.predicate
def is_author(user: Any, comment: Comment | None) -> bool:
    return comment is not None and comment.author_id == user.pk


@rules.predicate
def takes_changes(_user: Any, comment: Comment | None) -> bool:
    """The comment may still be edited or withdrawn: while the consultation is open, until it is answered."""
    return (
        comment is not None
        and comment.consultation.is_open()
        and not comment.is_withdrawn
        and not comment.is_answered
    )


rules.add_perm(
    "indicators.see_framework",
    rules.is_authenticated & (is_published | is_administrator | (is_consulted_on & is_participant)),
)
rules.add_perm("indicators.change_framework", is_administrator & ~is_published)
rules.add_perm("indicators.import_framework", is_administrator)
rules.add_perm("indicators.see_pending_import", is_administrator & is_uploader)

rules.add_perm("indicators.manage_consultation", is_administrator)
rules.add_perm("indicators.see_consultation", is_administrator | is_participant)
rules.add_perm("indicators.take_part", is_participant)  # too late is told in words, with what was typed
rules.add_perm("indicators.comment", is_participant & is_open_for_comment)
rules.add_perm("indicators.see_comment", is_author | is_administrator)
rules.add_perm("indicators.change_comment", is_author & is_participant & takes_changes)


@rules.predicate
def is_own_weighting_sheet(user: Any, sheet: Any) -> bool:
    return sheet is not None and sheet.expert_id == user.pk and user.is_active


# An edition's weights are for administrators; a published one is shown there, and changes are refused in words.
rules.add_perm("indicators.weigh_framework", is_administrator)
rules.add_perm("indicators.fill_weighting_sheet", rules.is_authenticated & is_own_weighting_sheet)
