"""Pages of the frameworks: which editions there are, one edition's tree, its workbook."""

from typing import cast
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import load_for
from accounts.models import User
from accounts.permissions import is_administrator
from indicators import actions, charts
from indicators.edition_queries import other_editions, rounds_using
from indicators.models import Framework
from indicators.presenters import DetailRow, detail_rows, sums
from indicators.queries import load_tree, visible_frameworks

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
def framework_list(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "indicators/framework_list.html",
        {
            "frameworks": visible_frameworks(request.user).select_related("based_on"),
            "may_administer": is_administrator(request.user),
            "crumbs": [(_("首页"), "/"), (_("指标体系"), None)],
        },
    )


@require_safe
def framework_detail(request: HttpRequest, code: str, edition: str) -> HttpResponse:
    framework = load_for(
        request.user,
        Framework.objects.select_related("based_on"),
        see="indicators.see_framework",
        code=code,
        edition=edition,
    )
    tree = load_tree(framework)
    rows: list[DetailRow] = detail_rows(tree)
    return render(
        request,
        "indicators/framework_detail.html",
        {
            "framework": framework,
            "tree": tree,
            "rows": rows,
            "sums": sums(tree),
            "figure": charts.weights(tree),
            "others": list(other_editions(request.user, framework)),
            "rounds": rounds_using(request.user, framework),
            "may_administer": is_administrator(request.user),
            "crumbs": [
                (_("首页"), "/"),
                (_("指标体系"), reverse("framework:list")),
                (str(framework), None),
            ],
        },
    )


@require_safe
def framework_export(request: HttpRequest, code: str, edition: str) -> HttpResponse:
    framework = load_for(
        request.user, Framework.objects.all(), see="indicators.see_framework", code=code, edition=edition
    )
    content = actions.export_framework(framework, by=cast(User, request.user))
    name = quote(f"{framework.code}-{framework.edition}.xlsx")
    return HttpResponse(
        content,
        content_type=XLSX,
        headers={"Content-Disposition": f"attachment; filename=\"framework.xlsx\"; filename*=UTF-8''{name}"},
    )
