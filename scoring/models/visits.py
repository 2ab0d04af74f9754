"""What reviewers saw on the spot, and which cases they recommend."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cities.models import EvidenceFile, Submission
from indicators.models import Indicator


class SiteVisit(models.Model):
    """A visit to a city (实地考察)."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="visits", verbose_name="填报"
    )
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期")
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="site_visits", verbose_name="考察组成员"
    )
    other_members = models.CharField("其他成员", max_length=300, blank=True)
    itinerary = models.TextField("行程", blank=True)
    summary = models.TextField("考察小结", blank=True)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="登记人"
    )

    class Meta:
        verbose_name = "实地考察"
        verbose_name_plural = "实地考察"
        ordering = ["-starts_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="visit_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission.city} · {self.starts_on:%Y-%m-%d}"


class SiteVisitNote(models.Model):
    """What was seen, said of one indicator or of the city as a whole."""

    visit = models.ForeignKey(SiteVisit, on_delete=models.CASCADE, related_name="notes", verbose_name="考察")
    indicator = models.ForeignKey(
        Indicator, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name="指标"
    )
    text = models.TextField("记录")
    at = models.DateTimeField("时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="记录人"
    )

    class Meta:
        verbose_name = "考察记录"
        verbose_name_plural = "考察记录"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:30]


class SiteVisitPhoto(models.Model):
    visit = models.ForeignKey(SiteVisit, on_delete=models.CASCADE, related_name="photos", verbose_name="考察")
    indicator = models.ForeignKey(
        Indicator, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name="指标"
    )
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="+", verbose_name="文件")
    filename = models.CharField("文件名", max_length=255)
    caption = models.CharField("说明", max_length=200, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )

    class Meta:
        verbose_name = "考察照片"
        verbose_name_plural = "考察照片"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.caption or self.filename


class Recommendation(models.Model):
    """A reviewer recommends a city's case for the published collection."""

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="recommendations", verbose_name="填报"
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="推荐人"
    )
    reason = models.TextField("推荐理由")
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = "案例推荐"
        verbose_name_plural = "案例推荐"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "reviewer"], name="recommendation_one_per_reviewer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.submission} · {self.reviewer}"


class CaseSelection(models.Model):
    """The moderator's decision whether a city's case goes into the collection."""

    submission = models.OneToOneField(
        Submission, on_delete=models.PROTECT, related_name="case_selection", verbose_name="填报"
    )
    is_selected = models.BooleanField("收入案例集")
    reason = models.TextField("理由", blank=True)
    at = models.DateTimeField("决定时间", auto_now=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="决定人"
    )

    class Meta:
        verbose_name = "案例遴选"
        verbose_name_plural = "案例遴选"

    def __str__(self) -> str:
        return str(self.submission)
