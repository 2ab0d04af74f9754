"""What the city's pages share: loading with the right to it, and the way back."""

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.models import Submission
from indicators.models import Indicator
from indicators.queries import FrameworkTree

READ = "cities.read_submission"
FILL_IN = "cities.fill_in_submission"  # also open for it now
WORK = "cities.work_on_submission"  # whether it is open is for the action to say, in words
SUBMIT = "cities.submit_submission"
Crumb = tuple[str, str | None]


def load(request: AuthenticatedRequest, pk: int, *, do: str | None = None) -> Submission:
    """The submission this person may read (else 404) and, where asked, `do` something with (else 403)."""
    submission = load_for(request.user, queries.submissions(), see=READ, do=do, pk=pk)
    request.current_round = submission.round
    if submission.round.is_pilot:  # its draft may have got new leaves
        actions.complete_pilot(submission=submission)
    return submission


def leaf_of(tree: FrameworkTree, code: str) -> Indicator:
    """The leaf of that code. Raises Http404 for an unknown code or a node that is no leaf."""
    leaf = tree.by_code.get(code)
    if leaf is None or not leaf.is_leaf:
        raise Http404
    return leaf


def crumbs(submission: Submission, *more: Crumb) -> list[Crumb]:
    home: list[Crumb] = [(_("首页"), "/")]
    tasks = (f"{submission.city} · {_('填报总览')}", f"/s/{submission.pk}/" if more else None)
    return [*home, tasks, *more]
