"""A person's own notices."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedRequest
from accounts.models import Notice
from accounts.notices import KIND_WORDS, choose_digest, mark_read, notices_of

PER_PAGE = 30


@require_safe
def notifications(request: AuthenticatedRequest) -> HttpResponse:
    page = Paginator(notices_of(request.user), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "rows": [(notice, KIND_WORDS.get(notice.kind, _("通知"))) for notice in page],
        "unread": Notice.objects.filter(user=request.user, read_at=None).count(),
        "crumbs": [(_("首页"), "/"), (_("通知"), None)],
    }
    return render(request, "accounts/notifications.html", context)


@require_POST
def notification_open(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Mark one as read and go where it is about; back to the list where it leads nowhere."""
    notice = mark_read(request.user, pk=pk)
    if notice is None:
        raise Http404
    leads = url_has_allowed_host_and_scheme(notice.url, allowed_hosts=None)
    return redirect(notice.url if leads and "stay" not in request.POST else "notifications:list")


@require_POST
def notifications_read(request: AuthenticatedRequest) -> HttpResponse:
    mark_read(request.user)
    messages.success(request, _("已全部标为已读。"))
    return redirect("notifications:list")


@require_POST
def notifications_digest(request: AuthenticatedRequest) -> HttpResponse:
    """Take the daily e-mail, or leave it."""
    wants = request.POST.get("wants") == "yes"
    choose_digest(request.user, wants=wants)
    messages.success(request, _("每天最多收到一封邮件摘要。") if wants else _("不再发送邮件摘要。"))
    return redirect("notifications:list")
