"""Who does what in a city, as parts of its pages."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cities.models import Answer, Responsibility, Submission
from cities.scope import leads_by

register = template.Library()
LEADS = "cities.divide_work"
WORKS = "cities.work_on_submission"

#: the pages of a submission: name of the address, words, the right to it (empty: whoever reads the submission)
PAGES: list[tuple[str, Any, str]] = [
    ("tasks", gettext_lazy("填报总览"), ""),
    ("catalogue", gettext_lazy("佐证材料目录"), ""),
    ("case", gettext_lazy("城市案例"), ""),
    ("upload", gettext_lazy("Excel 批量填报"), WORKS),
    ("assign", gettext_lazy("责任分解"), LEADS),
    ("approve", gettext_lazy("市级审核"), LEADS),
    ("board", gettext_lazy("进度看板"), LEADS),
    ("members", gettext_lazy("成员与邀请"), LEADS),
    ("returns", gettext_lazy("退回记录"), WORKS),
    ("supplements", gettext_lazy("补充说明"), WORKS),
    ("copy", gettext_lazy("沿用上一轮"), WORKS),
    ("check", gettext_lazy("检查并提交"), WORKS),
    ("appeals:result", gettext_lazy("初步结果"), "scoring.see_sent_result"),
    ("appeals:trail", gettext_lazy("得分轨迹"), "scoring.see_trail"),
]
BEFORE = {"check", "copy", "upload"}  # until it is handed in
AFTER = {"returns", "supplements", "appeals:trail"}  # once it was handed in


@register.simple_tag(takes_context=True)
def city_tabs(context: template.Context, submission: Submission, current: str) -> list[dict[str, Any]]:
    """The pages of the submission that this person may open."""
    user = context["request"].user
    return [
        {
            "label": label,
            "url": reverse(name if ":" in name else f"submission:{name}", args=[submission.pk]),
            "current": name == current,
        }
        for name, label, right in PAGES
        if (not right or user.has_perm(right, submission))
        and not (name in BEFORE and submission.is_handed_in)
        and not (name in AFTER and submission.submitted_at is None)
    ]


@register.inclusion_tag("cities/_responsibility.html", takes_context=True)
def responsibility_of(context: template.Context, answer: Answer) -> dict[str, Any]:
    """Who fills the answer in until when, for the city's own people; with the lead's approval where it waits for one."""
    user = context["request"].user
    submission = answer.submission
    found: Responsibility | None = getattr(answer, "responsibility", None)
    works = user.has_perm(WORKS, submission)
    leads = user.has_perm(LEADS, submission)
    return {
        "shown": works or user.is_administrator,
        "answer": answer,
        "submission": submission,
        "found": found,
        "supporting": list(found.supporting_departments.all()) if found else [],
        "is_late": found is not None
        and found.due_on is not None
        and found.due_on < timezone.localdate()
        and answer.status not in (Answer.Status.READY, Answer.Status.APPROVED),
        "only_supports": works and not leads and not leads_by(user, submission, found),
        "waits": leads and answer.status == Answer.Status.READY,
        "may_return": leads and answer.status in (Answer.Status.READY, Answer.Status.APPROVED),
        "csrf_token": context.get("csrf_token"),
        "assign_label": _("调整责任分解") if found else _("分配责任单位"),
        "leads": leads,
    }
