"""What every page needs to know: the navigation of the role, the round it belongs to."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


def _entries(user: Any) -> list[tuple[Any, str]]:
    results = (_("结果"), reverse("results:index"))
    if not user.is_authenticated:
        return [(_("首页"), reverse("home")), results]
    framework = (_("指标体系"), reverse("framework:list"))
    if user.is_administrator:
        return [
            (_("轮次"), reverse("manage:rounds")),
            framework,
            results,
            (_("审计记录"), reverse("manage:audit")),
        ]
    if user.role == user.Role.MODERATOR:
        moderation = (_("分歧与申诉"), reverse("moderation:index"))
        return [moderation, (_("评审任务"), reverse("review:index")), framework, results]
    if user.is_reviewer:
        return [(_("评审任务"), reverse("review:index")), framework, results]
    return [(_("填报"), reverse("home")), framework, results]


def site(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    current_round = getattr(request, "current_round", None)
    entries = _entries(user) if user is not None else []
    account_items = []
    if user is not None and user.is_authenticated:
        account_items.append({"label": _("修改密码"), "url": reverse("account:password_change")})
        if user.is_administrator:
            account_items.append({"label": _("后台管理"), "url": reverse("admin:index")})
    return {
        "nav_items": [
            {
                "label": label,
                "url": url,
                "current": request.path == url or (url != "/" and request.path.startswith(url)),
            }
            for label, url in entries
        ],
        "account_items": account_items,
        "current_round": current_round,
        "page_is_demo": bool(current_round and current_round.is_demo),
    }
