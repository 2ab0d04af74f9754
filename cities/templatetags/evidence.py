"""Parts of pages that show evidence: the section of an answer page, and a file's pages in the page."""

from typing import Any

from django import template
from django.urls import reverse

from cities import evidence_rules, previews, queries
from cities.evidence_forms import UploadForm
from cities.models import Evidence, Submission
from indicators.models import Indicator

register = template.Library()


@register.inclusion_tag("cities/_evidence_section.html", takes_context=True)
def evidence_section(
    context: Any,
    submission: Submission,
    indicator: Indicator,
    form: UploadForm | None = None,
    may_fill_in: bool = True,
) -> dict[str, Any]:
    """The files of one indicator with their actions; inside a multipart form where `may_fill_in`, to add more."""
    request = context["request"]
    return {
        **section_context(request.user, submission, indicator, context.get("evidence")),
        "form": form if isinstance(form, UploadForm) else UploadForm(indicator=indicator),
        "may_fill_in": may_fill_in,
        "request": request,
    }


def section_context(
    user: Any, submission: Submission, indicator: Indicator, files: list[Evidence] | None = None
) -> dict[str, Any]:
    """What the list of one indicator's files shows. `files`: where they were read already."""
    if files is None:
        files = list(queries.live_evidence(submission).filter(indicator=indicator).order_by("sequence"))
    return {
        "submission": submission,
        "indicator": indicator,
        "evidence": files,
        "twins": evidence_rules.twins(files, submission, user),
        "requirements": evidence_rules.requirements(indicator),
        "findings": evidence_rules.problems(indicator, files, submission.round.year),
        "asks_for_dates": bool(indicator.evidence_years),
    }


@register.inclusion_tag("cities/_evidence_preview.html")
def evidence_preview(evidence: Evidence, page: int = 0) -> dict[str, Any]:
    """A page of a file in the page, with paging; what cannot be shown says so and offers the download.

    Args:
        page: from 1; without it the page that the locator names first, else the first.
    """
    return preview_context(evidence, page)


def preview_context(evidence: Evidence, page: int = 0) -> dict[str, Any]:
    """What the partial shows: the page's picture, neighbours, and the pages that the locator names."""
    address = reverse("submission:evidence_preview", args=[evidence.submission_id, evidence.pk])
    context: dict[str, Any] = {
        "evidence": evidence,
        "address": address,
        "kind": previews.kind_of(evidence.file),
    }
    try:
        pages = previews.pages(evidence.file)
    except previews.NoPreview as refusal:
        return {**context, "refusal": str(refusal)}
    named = [one for one in previews.pages_named(evidence.locator) if one <= pages]
    page = min(page, pages) if page > 0 else (named[0] if named else 1)
    return {
        **context,
        "page": page,
        "pages": pages,
        "before": page - 1 or None,
        "following": page + 1 if page < pages else None,
        "named": named if pages > 1 else [],
    }


@register.filter
def get_item(mapping: Any, key: Any) -> Any:
    """mapping[key], or nothing."""
    return mapping.get(key) if mapping else None
