"""Where reviewers differ, what was decided, and what a city objects to."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cities.models import Submission
from indicators.models import Indicator
from scoring.models.review import ReviewAssignment


class Divergence(models.Model):
    """Marks of one cell that lie further apart than the round allows, from opening to decision."""

    class Status(models.TextChoices):
        OPEN = "open", "待处理"
        RECONSIDERING = "reconsidering", "复议中"
        RULED = "ruled", "已裁定"
        ACCEPTED = "accepted", "保留各自评分"
        RESOLVED = "resolved", "已趋一致"

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="divergences", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.OPEN)
    range_points = models.FloatField("极差（分）")
    range_levels = models.PositiveSmallIntegerField("极差（等级）", null=True, blank=True)
    opened_at = models.DateTimeField("出现时间", auto_now_add=True)
    closed_at = models.DateTimeField("处理时间", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="处理人",
    )  # fmt: skip
    note = models.TextField("处理说明", blank=True)

    class Meta:
        verbose_name = "分歧"
        verbose_name_plural = "分歧"
        ordering = ["-range_points", "id"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "indicator"], name="divergence_one_per_cell"),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator.code}"


class Reconsideration(models.Model):
    """A reviewer is asked to look again at one mark, until a deadline. Only this mark opens.

    `kept` stays empty when the question was closed without an answer: it lapsed, or the cell was decided meanwhile.
    """

    divergence = models.ForeignKey(
        Divergence, on_delete=models.PROTECT, related_name="reconsiderations", verbose_name="分歧"
    )
    assignment = models.ForeignKey(
        ReviewAssignment, on_delete=models.PROTECT, related_name="reconsiderations", verbose_name="评审任务"
    )
    note = models.TextField("复议说明")
    asked_at = models.DateTimeField("提出时间", auto_now_add=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="提出人"
    )
    due_at = models.DateTimeField("复议截止")
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)
    kept = models.BooleanField("维持原评分", null=True, blank=True)
    reply = models.TextField("答复", blank=True)

    class Meta:
        verbose_name = "复议"
        verbose_name_plural = "复议"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["divergence", "assignment"], condition=Q(answered_at=None),
                name="reconsideration_one_open",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.divergence} · R{self.assignment.seat}"

    @property
    def is_live(self) -> bool:
        """Asked, not answered, and still within its time."""
        return self.answered_at is None and timezone.now() < self.due_at

    @property
    def has_lapsed(self) -> bool:
        """Nobody answered it: its time is over, or the cell was decided meanwhile."""
        return not self.is_live and self.kept is None


class Appeal(models.Model):
    """A city objects to the provisional result of one indicator."""

    class Status(models.TextChoices):
        OPEN = "open", "待答复"
        UPHELD = "upheld", "予以调整"
        DISMISSED = "dismissed", "维持原结果"
        WITHDRAWN = "withdrawn", "已撤回"

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="appeals", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.OPEN)
    reason = models.TextField("申诉理由")
    at = models.DateTimeField("申诉时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="申诉人"
    )
    reply = models.TextField("答复", blank=True)
    decided_at = models.DateTimeField("答复时间", null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="答复人",
    )  # fmt: skip

    class Meta:
        verbose_name = "申诉"
        verbose_name_plural = "申诉"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "indicator"],
                condition=Q(status="open"),
                name="appeal_one_open_per_leaf",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="appeal_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator.code}"


class Ruling(models.Model):
    """The moderator's decision on one cell: it stands in place of the panel. The marks stay as they are.

    `value` and its companions are those of a mark. A later ruling supersedes an earlier one; both stay readable.
    """

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="rulings", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    value_text = models.CharField("填写的数值", max_length=200, blank=True)
    value = models.FloatField("数值", null=True, blank=True)
    level = models.CharField("等级", max_length=16, blank=True)
    items = models.CharField("认定达到的要点", max_length=400, blank=True)
    accepts_not_applicable = models.BooleanField("同意不适用", default=False)
    reason = models.TextField("裁定理由")
    appeal = models.ForeignKey(
        Appeal, null=True, blank=True, on_delete=models.PROTECT, related_name="rulings", verbose_name="申诉"
    )
    at = models.DateTimeField("裁定时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="裁定人"
    )
    superseded_at = models.DateTimeField("被替代时间", null=True, blank=True)

    class Meta:
        verbose_name = "裁定"
        verbose_name_plural = "裁定"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "indicator"], condition=Q(superseded_at=None),
                name="ruling_one_in_force_per_leaf",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False, accepts_not_applicable=False)
                | Q(value__isnull=True, accepts_not_applicable=True),
                name="ruling_says_one_thing",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="ruling_has_a_reason"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator.code}"

    @property
    def item_list(self) -> list[str]:
        return [item for item in self.items.split(";") if item]
