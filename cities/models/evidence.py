"""Files that were put forward, stored once and numbered for ever."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models.submissions import Submission
from indicators.models import Indicator


class EvidenceFile(models.Model):
    """The bytes of a file, stored once under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField("字节数")
    content_type = models.CharField("类型", max_length=100)
    stored_at = models.DateTimeField("存入时间", auto_now_add=True)

    class Meta:
        verbose_name = "佐证文件"
        verbose_name_plural = "佐证文件"

    def __str__(self) -> str:
        return self.sha256[:12]


class Evidence(models.Model):
    """A file put forward for one indicator, under a number that is never used again."""

    class Occasion(models.TextChoices):
        FILLING = "filling", "填报"
        SUPPLEMENT = "supplement", "补充说明"
        APPEAL = "appeal", "申诉"

    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="evidence", verbose_name="填报"
    )
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", verbose_name="指标")
    sequence = models.PositiveSmallIntegerField("序号")
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="uses", verbose_name="文件")
    filename = models.CharField("文件名", max_length=255)
    locator = models.CharField("页码", max_length=100, blank=True)
    title = models.CharField("材料名称", max_length=200, blank=True)
    dated_on = models.DateField("材料日期", null=True, blank=True)
    occasion = models.CharField("提交时机", max_length=16, choices=Occasion, default=Occasion.FILLING)
    copied_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name="引自"
    )
    added_at = models.DateTimeField("上传时间", auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="上传人"
    )
    deleted_at = models.DateTimeField("删除时间", null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="删除人",
    )

    class Meta:
        verbose_name = "佐证材料"
        verbose_name_plural = "佐证材料"
        ordering = ["indicator__position", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "indicator", "sequence"], name="evidence_number_never_reused"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None, deleted_by=None)
                | Q(deleted_at__isnull=False, deleted_by__isnull=False),
                name="evidence_deleted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.filename}"

    @property
    def number(self) -> str:
        return f"{self.indicator.code}-{self.sequence:02d}"
