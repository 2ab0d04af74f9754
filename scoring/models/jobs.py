"""Long work that goes on while nobody waits."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cities.models import Round
from scoring.models.results import ResultSnapshot


class ComputeJob(models.Model):
    """A whole round's computation that waits for, or is done by, `manage.py run_jobs`."""

    class Status(models.TextChoices):
        WAITING = "waiting", "排队中"
        RUNNING = "running", "计算中"
        DONE = "done", "已完成"
        FAILED = "failed", "失败"

    OPEN = (Status.WAITING, Status.RUNNING)

    round = models.ForeignKey(
        Round, on_delete=models.CASCADE, related_name="compute_jobs", verbose_name="轮次"
    )
    status = models.CharField("状态", max_length=16, choices=Status, default=Status.WAITING)
    seed = models.BigIntegerField("随机种子", default=1)
    draws = models.PositiveIntegerField("模拟次数", default=1000)
    reason = models.CharField("原因", max_length=200, blank=True)
    step = models.CharField("步骤", max_length=64, blank=True)
    done = models.PositiveSmallIntegerField("进度（百分比）", default=0)
    error = models.TextField("错误", blank=True)
    snapshot = models.ForeignKey(
        ResultSnapshot,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="快照",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="提交人",
    )  # fmt: skip
    created_at = models.DateTimeField("提交时间", auto_now_add=True)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField("最近进展", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "计算任务"
        verbose_name_plural = "计算任务"
        ordering = ["-id"]
        constraints = [
            # two clicks, one job
            models.UniqueConstraint(
                fields=["round"],
                condition=Q(status__in=["waiting", "running"]),
                name="compute_job_one_open_per_round",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} #{self.pk}"


class DocumentJob(models.Model):
    """Documents of a round that take a while to make: reports of all cities, the case collection, a workbook."""

    class Kind(models.TextChoices):
        CITY_REPORTS = "city_reports", "各市报告（压缩包）"
        ROUND_REPORT = "round_report", "本轮报告"
        CASE_COLLECTION = "case_collection", "案例集"
        WORKBOOK = "workbook", "结果工作簿"

    Status = ComputeJob.Status
    OPEN = ComputeJob.OPEN

    round = models.ForeignKey(
        Round, on_delete=models.CASCADE, related_name="document_jobs", verbose_name="轮次"
    )
    snapshot = models.ForeignKey(
        ResultSnapshot, on_delete=models.CASCADE, related_name="document_jobs", verbose_name="快照"
    )
    kind = models.CharField("类别", max_length=16, choices=Kind)
    options = models.JSONField("选项", default=dict)
    status = models.CharField(
        "状态", max_length=16, choices=ComputeJob.Status, default=ComputeJob.Status.WAITING
    )
    step = models.CharField("步骤", max_length=64, blank=True)
    done = models.PositiveSmallIntegerField("进度（百分比）", default=0)
    error = models.TextField("错误", blank=True)
    filename = models.CharField("文件名", max_length=255, blank=True)
    stored_as = models.CharField("存放位置", max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name="提交人",
    )  # fmt: skip
    created_at = models.DateTimeField("提交时间", auto_now_add=True)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField("最近进展", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "文件任务"
        verbose_name_plural = "文件任务"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "kind"], condition=Q(status__in=["waiting", "running"]),
                name="document_job_one_open_per_kind",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.round} · {self.get_kind_display()}"
