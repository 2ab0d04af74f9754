"""The moderator's pages: what waits, the sides of one cell, asking again, ruling, letting both stand."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import load_for
from accounts.http import AuthenticatedRequest
from cities import queries as city_queries
from cities.actions import ActionRefused, NotReady
from cities.actions.returning import RETURNABLE
from cities.models import Answer, Round, Submission
from cities.views.common import leaf_of
from indicators.models import Indicator
from indicators.queries import FrameworkTree, load_tree
from scoring import moderation
from scoring.actions import moderation as actions
from scoring.engine import InputError
from scoring.models import Divergence, ReviewAssignment, Ruling
from scoring.moderation_forms import AskForm, ReasonForm, RulingForm
from scoring.permissions import OPEN_TO_REVIEW
from scoring.provisional import Consequence, consequence

SEE_ROUND, MODERATE = "scoring.moderate_round", "scoring.moderate"
PAGE = 50
ALL = "all"
LABEL_WIDTH = 32  # in the units of the strip
Crumb = tuple[str, str | None]


@require_safe
def index(request: AuthenticatedRequest) -> HttpResponse:
    """Every round with what waits in it; the first page of a moderator."""
    user = request.user
    if not (user.is_administrator or user.role == user.Role.MODERATOR):
        raise Http404
    rounds = list(Round.objects.select_related("framework"))
    mine = ReviewAssignment.objects.filter(reviewer=user, status=ReviewAssignment.Status.ASSIGNED)
    reviewing = set(mine.values_list("submission__round_id", flat=True))
    waiting = moderation.waiting_of(rounds)
    lines = [
        {"round": one, "may_see": user.is_administrator or one.pk not in reviewing,
         "divergences": waiting[one.pk][0], "appeals": waiting[one.pk][1]}
        for one in rounds
    ]  # fmt: skip
    context = {"lines": lines, "crumbs": [(_("首页"), "/"), (_("分歧与申诉"), None)]}
    return render(request, "scoring/moderation/index.html", context)


def load_round(request: AuthenticatedRequest, code: str) -> Round:
    """The round, for those who moderate it and have nothing left to review in it; else 404."""
    found = load_for(request.user, Round.objects.select_related("framework"), see=SEE_ROUND, code=code)
    request.current_round = found
    return found


def crumbs(round_: Round, *more: Crumb) -> list[Crumb]:
    here = reverse("moderation:queue", args=[round_.code]) if more else None
    return [(_("首页"), "/"), (_("分歧与申诉"), reverse("moderation:index")), (round_.name, here), *more]


@require_safe
def queue(request: AuthenticatedRequest, round_code: str) -> HttpResponse:
    round_ = load_round(request, round_code)
    tree = load_tree(round_.framework)
    rows = moderation.queue(round_, request.user)
    cities = list(
        Submission.objects.filter(divergences__in=rows)
        .select_related("city")
        .distinct()
        .order_by("city__code")
    )
    city, dimension = request.GET.get("city", ""), request.GET.get("dimension", "")
    if city:
        rows = rows.filter(submission__city__code=city)
    if dimension:
        inside = [leaf.pk for leaf in tree.leaves if tree.dimension_of(leaf).code == dimension]
        rows = rows.filter(indicator__in=inside)
    counts = moderation.counts(rows)
    state = request.GET.get("state", Divergence.Status.OPEN)
    if state in Divergence.Status.values:
        rows = moderation.in_state(rows, state)
    query = request.GET.copy()
    for name in ("page", "state"):
        query.pop(name, None)
    context = {
        "round": round_,
        "page_obj": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "states": [
            *[
                {"state": one.value, "label": one.label, "count": counts[one.value]}
                for one in Divergence.Status
            ],
            {"state": ALL, "label": _("全部"), "count": sum(counts.values())},
        ],
        "state": state if state in Divergence.Status.values else ALL,
        "cities": [one.city for one in cities],
        "city": city,
        "dimensions": [node for node in tree.indicators if node.parent_id is None],
        "dimension": dimension,
        "query": f"{query.urlencode()}&" if query else "",
        "page_query": f"{query.urlencode()}&state={state}&" if query else f"state={state}&",
        "appeals": moderation.waiting_of([round_])[round_.pk][1],
        "obstacles": moderation.obstacles(round_),
        "crumbs": crumbs(round_),
    }
    return render(request, "scoring/moderation/queue.html", context)


# --- one cell -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One indicator of one city, as a moderator sees it."""

    submission: Submission
    tree: FrameworkTree
    indicator: Indicator
    answer: Answer
    divergence: Divergence | None

    @property
    def args(self) -> list[Any]:
        return [self.submission.round.code, self.submission.pk, self.indicator.code]

    @property
    def url(self) -> str:
        return reverse("moderation:cell", args=self.args)

    def crumbs(self, *more: Crumb) -> list[Crumb]:
        here: Crumb = (f"{self.submission.city} · {self.indicator.code}", self.url if more else None)
        return crumbs(self.submission.round, here, *more)


def load_submission(request: AuthenticatedRequest, round_code: str, pk: int) -> Submission:
    found = load_for(request.user, city_queries.submissions(), see=MODERATE, pk=pk, round__code=round_code)
    request.current_round = found.round
    return found


def _load_cell(request: AuthenticatedRequest, round_code: str, submission: int, code: str) -> Cell:
    return cell_of(load_submission(request, round_code, submission), code)


def cell_of(submission: Submission, code: str) -> Cell:
    tree = load_tree(submission.round.framework)
    indicator = leaf_of(tree, code)
    answer = get_object_or_404(Answer, submission=submission, indicator=indicator)
    answer.submission, answer.indicator = submission, indicator
    divergence = Divergence.objects.filter(submission=submission, indicator=indicator).first()
    if divergence is not None:
        divergence.submission, divergence.indicator = submission, indicator
    return Cell(submission, tree, indicator, answer, divergence)


def cell_context(cell: Cell) -> dict[str, Any]:
    """What every page about one cell shows: sides, evidence, rulings."""
    found = moderation.sides(cell.submission, cell.tree, cell.indicator)
    rulings = moderation.rulings_of(cell.submission, cell.indicator)
    files = city_queries.live_evidence(cell.submission).filter(indicator=cell.indicator)
    in_force = next((one for one in rulings if one.superseded_at is None), None)
    return {
        "cell": cell,
        "round": cell.submission.round,
        "submission": cell.submission,
        "indicator": cell.indicator,
        "answer": cell.answer,
        "divergence": cell.divergence,
        "sides": found,
        "self_score": self_score(cell),
        "strip": strip(found, self_score(cell)),
        "rulings": rulings,
        "in_force": in_force,
        "changed_since": _changed_since(cell.answer, in_force),
        "evidence": list(files),
    }


def _changed_since(answer: Answer, ruling: Ruling | None) -> bool:
    return bool(ruling and answer.updated_at and answer.updated_at > ruling.at)


def self_score(cell: Cell) -> float | None:
    """The city's own score on the 0–100 scale; None where it reported no value or only the round can say."""
    spec = cell.tree.engine.leaf_specs[cell.tree.engine.leaf_codes.index(cell.indicator.code)]
    if cell.answer.value is None or moderation.across_round(spec):
        return None
    return float(moderation.as_score(spec, [cell.answer.value])[0])


def strip(sides: list[moderation.Side], own: float | None) -> list[dict[str, Any]]:
    """The scores as places on a line from 0 to 100, in the drawing's units; labels that would meet go one row down."""
    points = [(one.score, 1, f"R{one.assignment.seat}") for one in sides if one.score is not None]
    if own is not None:
        points.append((own, 0, _("自评")))  # drawn first where it meets a reviewer's
    found: list[dict[str, Any]] = []
    for score, drawn, label in sorted(points):
        x = round(20 + 4 * score)
        crowded = sum(x - one["x"] < LABEL_WIDTH for one in found)
        found.append({"label": label, "score": score, "is_self": not drawn, "x": x, "y": 42 + 14 * crowded})
    return found


@require_safe
def cell(request: AuthenticatedRequest, round_code: str, submission: int, code: str) -> HttpResponse:
    shown = _load_cell(request, round_code, submission, code)
    context = cell_context(shown) | {"crumbs": shown.crumbs()}
    context["may_ask"] = (
        shown.divergence is not None
        and shown.divergence.status in moderation.UNDECIDED
        and shown.submission.status in OPEN_TO_REVIEW
        and any(side.may_be_asked for side in context["sides"])
    )
    context["may_accept"] = shown.divergence is not None and shown.divergence.status in moderation.UNDECIDED
    final = shown.submission.status == Submission.Status.FINAL
    context["may_rule"] = not final or request.user.is_administrator  # a correction
    context["may_return"] = (
        shown.submission.status in RETURNABLE
    )  # whoever may decide here may also return it
    return render(request, "scoring/moderation/cell.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: AuthenticatedRequest, round_code: str, submission: int, code: str) -> HttpResponse:
    shown = _load_cell(request, round_code, submission, code)
    if shown.divergence is None:
        raise Http404
    context = cell_context(shown)
    form = AskForm(request.POST or None, sides=context["sides"])
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            chosen = [
                side.assignment
                for side in context["sides"]
                if str(side.assignment.pk) in form.cleaned_data["assignments"]
            ]
            try:
                asked = actions.ask_reconsideration(
                    divergence=shown.divergence, assignments=chosen, note=form.cleaned_data["note"],
                    due_at=form.cleaned_data["due_at"], by=request.user,
                )  # fmt: skip
            except NotReady as refusal:
                form.add_problems(refusal.problems)
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("已请 %(n)s 位专家复议。") % {"n": len(asked)})
                return redirect(shown.url)
    context |= {"form": form, "crumbs": shown.crumbs((_("请专家复议"), None))}
    return render(request, "scoring/moderation/ask.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: AuthenticatedRequest, round_code: str, submission: int, code: str) -> HttpResponse:
    shown = _load_cell(request, round_code, submission, code)
    if shown.divergence is None:
        raise Http404
    form = ReasonForm(request.POST or None, label=_("保留各自评分的理由"))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.accept_divergence(
                    divergence=shown.divergence, reason=form.cleaned_data["reason"], by=request.user
                )
            except NotReady as refusal:
                form.add_problems(refusal.problems)
            except ActionRefused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("已保留各自评分，按本轮的评审汇总方法计分。"))
                return redirect(shown.url)
    context = cell_context(shown) | {"form": form, "crumbs": shown.crumbs((_("保留各自评分"), None))}
    return render(request, "scoring/moderation/accept.html", context, status=status)


# --- ruling: what is said, then what it does, then the decision -----------------------------------------------


@dataclass(frozen=True)
class Checked:
    """A ruling that could be made, and what it would change."""

    ruled: actions.Ruled
    consequence: Consequence


def check_ruling(cell: Cell, form: RulingForm) -> Checked | None:
    """What the form's ruling would do; None when something is missing, which the form then says."""
    if not form.is_valid():
        return None
    try:
        ruled = actions.read_ruling(
            submission=cell.submission, indicator=cell.indicator, content=form.content(),
            accepts_not_applicable=form.accepts_not_applicable,
        )  # fmt: skip
        return Checked(ruled, consequence(cell.submission, cell.indicator, ruled.value))
    except NotReady as refusal:
        form.add_problems(refusal.problems)
    except InputError as error:
        form.add_error(None, str(error))
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: AuthenticatedRequest, round_code: str, submission: int, code: str) -> HttpResponse:
    """First the form; then the page that says what the ruling does; then the ruling."""
    shown = _load_cell(request, round_code, submission, code)
    context = cell_context(shown) | {"crumbs": shown.crumbs((_("裁定"), None))}
    if request.method != "POST":
        form = RulingForm(indicator=shown.indicator, initial=RulingForm.initial_of(context["in_force"]))
        return render(request, "scoring/moderation/rule.html", context | {"form": form})
    form = RulingForm(request.POST, indicator=shown.indicator)
    checked, status = check_ruling(shown, form), 422
    step = request.POST.get("step")
    if checked is not None and step == "check":
        return render(
            request, "scoring/moderation/rule_confirm.html", context | {"form": form, "checked": checked}
        )
    if checked is not None and step == "rule":
        try:
            actions.rule(
                submission=shown.submission, indicator=shown.indicator, content=form.content(),
                accepts_not_applicable=form.accepts_not_applicable, by=request.user,
                replaces=form.cleaned_data["replaces"] or 0,
            )  # fmt: skip
        except (ActionRefused, actions.RulingChanged) as refusal:
            status = 409
            form = refused(request, form, shown, refusal)
        else:
            messages.success(request, _("已裁定。各位专家的评分保持不变。"))
            return redirect(shown.url)
    return render(request, "scoring/moderation/rule.html", context | {"form": form}, status=status)


def refused(request: AuthenticatedRequest, form: RulingForm, cell: Cell, refusal: Exception) -> RulingForm:
    """The form with what was typed and why it was not written; after a conflict it answers the ruling in force now."""
    words = str(refusal)
    if isinstance(refusal, actions.RulingChanged):
        newest = next(iter(moderation.rulings_of(cell.submission, cell.indicator)), None)
        data = request.POST.copy()
        data["replaces"] = str(newest.pk if newest else 0)
        form = RulingForm(data, indicator=cell.indicator)
        form.is_valid()
        words = _("此项刚刚已有新的裁定（见下）。请核对后再决定；您的填写仍在下面。")
    form.add_error(None, words)
    return form
