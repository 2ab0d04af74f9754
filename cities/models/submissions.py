"""A city's self-assessment, and how it is handed in, returned and prolonged."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models.places import City
from cities.models.rounds import Round


class Submission(models.Model):
    """One city's self-assessment in a round."""

    class Status(models.TextChoices):
        FILLING = "filling", "填报中"
        SUBMITTED = "submitted", "已提交"
        RETURNED = "returned", "已退回"
        IN_REVIEW = "in_review", "评审中"
        PROVISIONAL = "provisional", "结果待确认"
        APPEALED = "appealed", "申诉中"
        FINAL = "final", "已定稿"

    #: what counts as submitted: scored, reviewed, shown
    HANDED_IN = (Status.SUBMITTED, Status.IN_REVIEW, Status.PROVISIONAL, Status.APPEALED, Status.FINAL)

    round = models.ForeignKey(
        Round, on_delete=models.PROTECT, related_name="submissions", verbose_name="轮次"
    )
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="submissions", verbose_name="城市")
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.FILLING)
    extended_to = models.DateTimeField("延期至", null=True, blank=True)
    is_anchor = models.BooleanField("校准城市", default=False)
    is_listed = models.BooleanField("列入公开名单", default=True)
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)

    class Meta:
        verbose_name = "填报"
        verbose_name_plural = "填报"
        ordering = ["round", "city"]
        constraints = [
            models.UniqueConstraint(fields=["round", "city"], name="submission_one_per_city_and_round"),
            models.CheckConstraint(
                condition=Q(status="filling", submitted_at=None)
                | (~Q(status="filling") & Q(submitted_at__isnull=False)),
                name="submission_submitted_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} · {self.city}"

    @property
    def deadline(self) -> datetime | None:
        """When this city must have handed in: its own extension, else the round's cut-off."""
        return self.extended_to or self.round.closes_at

    @property
    def is_handed_in(self) -> bool:
        return self.status in self.HANDED_IN


class Receipt(models.Model):
    """Proof of one submission: what was handed in, when, by whom, under which digest."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="receipts", verbose_name="填报"
    )
    number = models.CharField("回执编号", max_length=100, unique=True)
    sequence = models.PositiveSmallIntegerField("第几次提交", default=1)
    at = models.DateTimeField("提交时间")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="提交人"
    )
    sha256 = models.CharField("内容摘要", max_length=64)
    content = models.JSONField("提交内容")

    class Meta:
        verbose_name = "回执"
        verbose_name_plural = "回执"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "sequence"], name="receipt_one_per_submitting"),
        ]

    def __str__(self) -> str:
        return self.number


class Extension(models.Model):
    """A later deadline for one city, or for what was returned to it; the newest counts."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="extensions", verbose_name="填报"
    )
    closes_at = models.DateTimeField("延期至")
    reason = models.TextField("原因")
    at = models.DateTimeField("批准时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="批准人"
    )

    class Meta:
        verbose_name = "延期"
        verbose_name_plural = "延期"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.submission} · {self.closes_at:%Y-%m-%d %H:%M}"
