"""What changed between two receipts of a submission."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedRequest
from accounts.texts import whole_number
from cities.diffs import leaf_diffs
from cities.scope import visible_leaves
from cities.views.common import crumbs, load
from indicators.queries import load_tree


@require_safe
def diff(request: AuthenticatedRequest, pk: int, before: int, after: int) -> HttpResponse:
    """Leaf by leaf and field by field, for whoever may read the submission.

    Args:
        before, after: the receipts' sequence numbers, the earlier one first.
    """
    submission = load(request, pk)
    if whole_number(str(before)) is None or whole_number(str(after)) is None:
        raise Http404
    receipts = {one.sequence: one for one in submission.receipts.filter(sequence__in=[before, after])}
    if before >= after or len(receipts) != 2:
        raise Http404
    tree = load_tree(submission.round.framework)
    visible = visible_leaves(request.user, submission)
    rows = []
    for one in leaf_diffs(receipts[before].content, receipts[after].content):
        leaf = tree.by_code.get(one.code)
        if leaf is not None and (visible is None or leaf.pk in visible):
            rows.append((leaf, one))
    context = {
        "submission": submission,
        "before": receipts[before],
        "after": receipts[after],
        "rows": rows,
        "leaf_count": len(tree.leaves) if visible is None else len(visible),
        "print_city": submission.city.name_zh,
        "receipt_number": receipts[after].number,
        "crumbs": crumbs(submission, (_("回执"), f"/s/{pk}/receipt/"), (_("前后对照"), None)),
    }
    return render(request, "cities/diff.html", context)
