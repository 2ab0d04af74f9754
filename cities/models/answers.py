"""What a city reports for one leaf, with every version of it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from cities.models.places import Department
from cities.models.submissions import Submission
from indicators.models import Indicator


class ChangeSource(models.TextChoices):
    """Where a change of an answer or a mark came from; kept in its history."""

    PAGE = "page", "网页"
    WORKBOOK = "workbook", "Excel 导入"
    UNDO = "undo", "撤销"
    COPY = "copy", "沿用上一轮"
    LATE = "late", "采纳逾期草稿"
    RECONSIDERED = "reconsidered", "复议"
    RESUBMITTED = "resubmitted", "城市重新提交，内容已变更"
    DEMO = "demo", "演示数据"
    CONFLICT = "conflict", "与他人的修改冲突，未采用"


class Answer(models.Model):
    """What a city reports for one leaf. Created empty with the submission, so there is always a row to lock.

    `value` is the number that scoring reads, in the leaf's own unit: x for a quantity, a score 0–100 for a
    rubric or a checklist, points for a bonus. `value_text` is what was typed, also when it is no number yet.
    """

    class Status(models.TextChoices):
        EMPTY = "empty", "未开始"
        DRAFT = "draft", "填写中"
        READY = "ready", "待市级审核"
        APPROVED = "approved", "已完成"
        RETURNED = "returned", "已退回"

    class ValueState(models.TextChoices):
        BLANK = "blank", "未填"
        VALUE = "value", "已填"
        NOT_APPLICABLE = "not_applicable", "不适用"
        UNAVAILABLE = "unavailable", "无法提供"

    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, related_name="answers", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.EMPTY)
    value_state = models.CharField("内容", max_length=16, choices=ValueState, default=ValueState.BLANK)
    value_text = models.CharField("填写的数值", max_length=200, blank=True)
    value = models.FloatField("数值", null=True, blank=True)
    level = models.CharField("等级", max_length=16, blank=True)
    items = models.CharField("已达到的要点", max_length=400, blank=True, help_text="以分号分隔的序号")
    reason = models.TextField("原因", blank=True)
    narrative = models.TextField("情况说明", blank=True)
    version = models.PositiveIntegerField("版本", default=0)
    updated_at = models.DateTimeField("更新时间", null=True, blank=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="更新人",
    )
    history = HistoricalRecords(related_name="log", excluded_fields=["updated_at", "updated_by"])
    log: Any  # the versions, oldest first by `version`
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "填报内容"
        verbose_name_plural = "填报内容"
        constraints = [
            models.UniqueConstraint(fields=["submission", "indicator"], name="answer_one_per_leaf"),
            models.CheckConstraint(
                condition=Q(value_state="value", value__isnull=False)
                | (~Q(value_state="value") & Q(value__isnull=True)),
                name="answer_value_exactly_when_state_says_so",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator}"

    @property
    def item_list(self) -> list[str]:
        return [item for item in self.items.split(";") if item]


class Responsibility(models.Model):
    """Who fills in one answer: one lead department, others that support it, a person, an internal deadline."""

    answer = models.OneToOneField(
        Answer, on_delete=models.CASCADE, related_name="responsibility", verbose_name="填报内容"
    )
    lead_department = models.ForeignKey(
        Department,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="牵头单位",
    )
    supporting_departments = models.ManyToManyField(
        Department, blank=True, related_name="+", verbose_name="配合单位"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL,
        related_name="responsibilities", verbose_name="责任人",
    )  # fmt: skip
    due_on = models.DateField("内部截止日期", null=True, blank=True)

    class Meta:
        verbose_name = "责任分解"
        verbose_name_plural = "责任分解"

    def __str__(self) -> str:
        return f"{self.answer} · {self.lead_department or '—'}"
