"""One evaluation: its edition, its dates and the rules it declares."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from cities.codes import validate_code
from indicators.models import Framework, Missing


class Round(models.Model):
    """One evaluation: a framework edition, a year, dates and the rules it declares."""

    class Panel(models.TextChoices):
        MEAN = "mean", "平均分"
        MEDIAN = "median", "中位数"
        TRIMMED = "trimmed", "去掉一个最高分和一个最低分"

    class Unreviewed(models.TextChoices):
        STAND = "stand", "自评分直接采用"
        BLOCK = "block", "未评不计分"

    class Audience(models.TextChoices):
        OWN = "own", "各市只看本市"
        PARTICIPANTS = "participants", "参评城市与评审专家"
        PUBLIC = "public", "社会公众"

    code = models.CharField("代码", max_length=64, unique=True, validators=[validate_code])
    name = models.CharField("名称", max_length=200)
    framework = models.ForeignKey(
        Framework, on_delete=models.PROTECT, related_name="rounds", verbose_name="指标体系"
    )
    year = models.PositiveSmallIntegerField("评价年度")
    opens_at = models.DateTimeField("开始填报", null=True, blank=True)
    closes_at = models.DateTimeField("截止填报", null=True, blank=True)
    missing = models.CharField("缺失处理", max_length=16, choices=Missing, default=Missing.ZERO)
    panel = models.CharField("评审汇总", max_length=16, choices=Panel, default=Panel.MEAN)
    unreviewed = models.CharField("未评审的指标", max_length=16, choices=Unreviewed, default=Unreviewed.BLOCK)
    is_demo = models.BooleanField("演示数据", default=False)
    is_pilot = models.BooleanField("试点", default=False)
    change_threshold = models.PositiveSmallIntegerField(
        "同比变化提示（%）", default=50, help_text="与上一轮相差超过此百分比的数值需说明。"
    )
    divergence_points = models.FloatField("分歧阈值（分）", default=20)
    divergence_levels = models.PositiveSmallIntegerField("分歧阈值（等级）", default=2)
    results_expected_on = models.DateField("预计公布日期", null=True, blank=True)
    appeals_until = models.DateTimeField("申诉截止", null=True, blank=True)
    audience = models.CharField(
        "结果公开范围", max_length=16, choices=Audience, default=Audience.PARTICIPANTS
    )
    shows_ranks = models.BooleanField("公布名次", default=True)
    grade_bands = models.CharField(
        "等级划分",
        max_length=200,
        blank=True,
        help_text="例如 90:优秀|80:良好|60:合格|0:待改进；空为不分等级。",
    )
    results_published_at = models.DateTimeField("结果公布时间", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)

    class Meta:
        verbose_name = "轮次"
        verbose_name_plural = "轮次"
        ordering = ["-year", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(opens_at=None) | Q(closes_at__gt=F("opens_at")),
                name="round_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def marks(self) -> list[str]:
        """What every page, chart and export has to say of the kind of round this is."""
        return [word for word, holds in (("演示数据", self.is_demo), ("试点", self.is_pilot)) if holds]

    def accepts_answers(self, at: Any = None) -> bool:
        """Whether answers may be changed at this moment by the server's clock."""
        at = at or timezone.now()
        return (self.opens_at is None or self.opens_at <= at) and (
            self.closes_at is None or at < self.closes_at
        )

    def days_left(self) -> int | None:
        """Whole days until the deadline; None without one, or when it has passed."""
        left = self.closes_at - timezone.now() if self.closes_at else None
        return left.days if left is not None and left.total_seconds() > 0 else None
