"""A draft edition sent out for comment (征求意见), what people said about it, and how each comment was answered."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from indicators.models.framework import Framework


class Consultation(models.Model):
    """One edition's consultation. Closing early and extending change `closes_at`; comments outlive the draft."""

    framework = models.OneToOneField(
        Framework, on_delete=models.PROTECT, related_name="consultation", verbose_name="指标体系"
    )
    title = models.CharField("标题", max_length=200)
    invitation = models.TextField("征求意见说明", blank=True)
    opened_at = models.DateTimeField("开始时间")
    closes_at = models.DateTimeField("截止时间")
    shares_comments = models.BooleanField("征求意见期间，参与者可以看到彼此的意见", default=False)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="发起人"
    )
    answers_published_at = models.DateTimeField("采纳情况公布时间", null=True, blank=True)

    class Meta:
        verbose_name = "征求意见"
        verbose_name_plural = "征求意见"
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes_at__gte=models.F("opened_at")),
                name="consultation_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def is_open(self, at: Any = None) -> bool:
        """Whether comments are taken at this moment by the server's clock: from its opening until just before closing."""
        at = at or timezone.now()
        return self.framework.is_draft and self.opened_at <= at < self.closes_at


class Comment(models.Model):
    """One comment. What it is about is kept as text, so that it survives every change of the draft.

    `indicator_code` is empty for a comment on the framework as a whole; `present` is what the draft said at that
    place when the comment was written.
    """

    class Kind(models.TextChoices):
        WEIGHT = "weight", "权重（分值）"
        RUBRIC = "rubric", "评分标准"
        WORDING = "wording", "名称与口径"
        OTHER = "other", "其他"

    class Outcome(models.TextChoices):
        ADOPTED = "adopted", "采纳"
        PARTLY = "partly", "部分采纳"
        DECLINED = "declined", "不采纳"

    class Source(models.TextChoices):
        PAGE = "page", "网页"
        WORKBOOK = "workbook", "Excel 导入"

    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, related_name="comments", verbose_name="征求意见"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="提出人"
    )
    organisation = models.CharField("意见单位", max_length=200)
    indicator_code = models.CharField("指标编号", max_length=64, blank=True)
    indicator_name = models.CharField("指标名称", max_length=200, blank=True)
    present = models.TextField("征求意见稿内容", blank=True)
    kind = models.CharField("意见类型", max_length=16, choices=Kind)
    text = models.TextField("意见内容")
    suggestion = models.TextField("建议修改为", blank=True)
    reason = models.TextField("理由", blank=True)
    source = models.CharField("来源", max_length=16, choices=Source, default=Source.PAGE)
    created_at = models.DateTimeField("提出时间")
    updated_at = models.DateTimeField("修改时间")
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    outcome = models.CharField("采纳情况", max_length=16, choices=Outcome, blank=True)
    outcome_reason = models.TextField("答复理由", blank=True)
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="答复人",
    )
    next_framework = models.ForeignKey(
        Framework,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="对应修改的版本",
    )
    next_code = models.CharField("对应修改的指标", max_length=64, blank=True)
    history = HistoricalRecords(related_name="log")
    log: Any
    _history_user: Any
    _change_reason: str

    class Meta:
        verbose_name = "意见"
        verbose_name_plural = "意见"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome="", answered_at=None, answered_by=None)
                | (
                    ~models.Q(outcome="") & models.Q(answered_at__isnull=False) & ~models.Q(outcome_reason="")
                ),
                name="comment_answered_has_time_and_reason",
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="comment_says_something"),
        ]
        indexes = [models.Index(fields=["consultation", "author"], name="comment_by_author")]

    def __str__(self) -> str:
        return f"{self.subject}：{self.text[:40]}"

    @property
    def subject(self) -> str:
        """What the comment is about, in words."""
        return (
            f"{self.indicator_code} {self.indicator_name}".strip() if self.indicator_code else "指标体系整体"
        )

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def is_answered(self) -> bool:
        return bool(self.outcome)
