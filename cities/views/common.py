"""What the city's pages share: loading with the right to it, and the way back."""

from dataclasses import dataclass

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import actions, queries
from cities.models import Submission
from cities.scope import visible_leaves
from cities.trees import tree_of
from indicators.models import Indicator
from indicators.queries import FrameworkTree

READ = "cities.read_submission"
FILL_IN = "cities.fill_in_submission"  # also open for it now
WORK = "cities.work_on_submission"  # whether it is open is for the action to say, in words
SUBMIT = "cities.submit_submission"
DIVIDE = "cities.divide_work"
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


def require_visible(request: AuthenticatedRequest, submission: Submission, indicator_id: int) -> None:
    """An editor of a department does not learn of other departments' leaves. Raises Http404 for those."""
    visible = visible_leaves(request.user, submission)
    if visible is not None and indicator_id not in visible:
        raise Http404


@dataclass(frozen=True)
class LeafPlace:
    """One leaf of a submission. `leaves` are those that this person sees, in the framework's order."""

    submission: Submission
    tree: FrameworkTree
    indicator: Indicator
    leaves: tuple[Indicator, ...]

    @property
    def neighbours(self) -> tuple[str | None, str | None]:
        """The codes before and after it, among those that this person sees."""
        codes = [leaf.code for leaf in self.leaves]
        at = codes.index(self.indicator.code)
        return (codes[at - 1] if at else None), (codes[at + 1] if at + 1 < len(codes) else None)


def load_leaf(request: AuthenticatedRequest, pk: int, code: str, *, do: str | None = None) -> LeafPlace:
    """A leaf of the submission as `load`; 404 also for a leaf that this editor's department has no part in."""
    submission = load(request, pk, do=do)
    tree = tree_of(submission.round.framework)
    indicator = leaf_of(tree, code)
    visible = visible_leaves(request.user, submission)
    leaves = tuple(leaf for leaf in tree.leaves if visible is None or leaf.pk in visible)
    if indicator not in leaves:
        raise Http404
    return LeafPlace(submission, tree, indicator, leaves)


def crumbs(submission: Submission, *more: Crumb) -> list[Crumb]:
    home: list[Crumb] = [(_("首页"), "/")]
    tasks = (f"{submission.city} · {_('填报总览')}", f"/s/{submission.pk}/" if more else None)
    return [*home, tasks, *more]
