"""What goes back: answers returned inside a city or by the organisers, questions of reviewers, late texts."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models.answers import Answer
from cities.models.submissions import Receipt, Submission
from indicators.models import Indicator


class Return(models.Model):
    """Answers given back with remarks. An official one reopens a submission that was handed in, for these alone."""

    class Kind(models.TextChoices):
        INTERNAL = "internal", "市内退回"
        OFFICIAL = "official", "退回修改"

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="returns", verbose_name="填报"
    )
    kind = models.CharField("类别", max_length=16, choices=Kind)
    reason = models.TextField("总的说明", blank=True)
    at = models.DateTimeField("退回时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="退回人"
    )
    due_at = models.DateTimeField("重新提交截止", null=True, blank=True)
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    receipt = models.ForeignKey(
        Receipt,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="重新提交的回执",
    )

    class Meta:
        verbose_name = "退回"
        verbose_name_plural = "退回"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"], condition=Q(kind="official", closed_at=None),
                name="return_one_open_per_submission",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.submission} · {self.get_kind_display()}"


class ReturnItem(models.Model):
    """One returned answer with its remark; resolved when it is ready again."""

    part_of = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="items", verbose_name="退回")
    answer = models.ForeignKey(
        Answer, on_delete=models.PROTECT, related_name="return_items", verbose_name="填报内容"
    )
    remark = models.TextField("退回意见")
    answer_version = models.PositiveIntegerField("退回时的版本")
    resolved_at = models.DateTimeField("改好时间", null=True, blank=True)

    class Meta:
        verbose_name = "退回的指标"
        verbose_name_plural = "退回的指标"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["part_of", "answer"], name="return_item_one_per_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.part_of} · {self.answer.indicator.code}"


class Supplement(models.Model):
    """A reviewer's question to the city about one indicator, answered without returning the submission.

    The city sees the seat (R1), never the name.
    """

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="supplements", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    seat = models.PositiveSmallIntegerField("席位")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="提问人"
    )
    question = models.TextField("需补充的内容")
    asked_at = models.DateTimeField("提问时间", auto_now_add=True)
    due_on = models.DateField("答复期限", null=True, blank=True)
    reply = models.TextField("答复", blank=True)
    replied_at = models.DateTimeField("答复时间", null=True, blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="答复人",
    )  # fmt: skip
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)

    class Meta:
        verbose_name = "补充说明"
        verbose_name_plural = "补充说明"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(replied_at=None, replied_by=None)
                | Q(replied_at__isnull=False, replied_by__isnull=False),
                name="supplement_replied_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.indicator.code} · R{self.seat}"


class LateDraft(models.Model):
    """What somebody typed after the cut-off: kept, and admitted only by an extension for that city."""

    answer = models.ForeignKey(
        Answer, on_delete=models.CASCADE, related_name="late_drafts", verbose_name="填报内容"
    )
    content = models.JSONField("内容", help_text="逐字段，与填报内容的字段同名")
    seen_version = models.PositiveIntegerField("所见版本")
    at = models.DateTimeField("时间")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="填写人"
    )
    admitted_at = models.DateTimeField("采纳时间", null=True, blank=True)

    class Meta:
        verbose_name = "逾期草稿"
        verbose_name_plural = "逾期草稿"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "by"], condition=Q(admitted_at=None), name="late_draft_one_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.answer} · {self.by}"
