"""How a draft came to be what it is: one row per change, with enough to take it back."""

from django.conf import settings
from django.db import models

from indicators.models.framework import Framework


class FrameworkChange(models.Model):
    """One change to a draft. Rows are only added: taking a change back is a change of its own.

    `delta` holds the values before and after, see `indicators.drafts`.
    """

    framework = models.ForeignKey(
        Framework, on_delete=models.CASCADE, related_name="changes", verbose_name="指标体系"
    )
    number = models.PositiveIntegerField("序号")
    at = models.DateTimeField("时间", auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="操作人",
    )
    summary = models.CharField("内容", max_length=300)
    delta = models.JSONField("前后", default=dict)
    undoes = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="undone_by",
        verbose_name="撤销的改动",
    )

    class Meta:
        verbose_name = "改动"
        verbose_name_plural = "改动"
        ordering = ["framework", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["framework", "number"], name="framework_change_number_unique")
        ]

    def __str__(self) -> str:
        return self.summary
