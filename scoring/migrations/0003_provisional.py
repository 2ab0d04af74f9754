import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0002_robustness"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Provisional",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("total", models.FloatField(null=True, verbose_name="暂计总分")),
                ("partial", models.FloatField(null=True, verbose_name="已评部分得分")),
                ("assessed", models.PositiveIntegerField(default=0, verbose_name="已评指标数")),
                ("leaves", models.PositiveIntegerField(default=0, verbose_name="指标数")),
                ("scores", models.JSONField(default=dict, verbose_name="各节点暂计得分")),
                ("across", models.JSONField(default=list, verbose_name="待全轮计算的指标")),
                ("updated_at", models.DateTimeField(verbose_name="更新时间")),
                (
                    "submission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provisional",
                        to="cities.submission",
                        verbose_name="填报",
                    ),
                ),
            ],
            options={"verbose_name": "暂计得分", "verbose_name_plural": "暂计得分"},
        ),
        migrations.CreateModel(
            name="ComputeJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "排队中"),
                            ("running", "计算中"),
                            ("done", "已完成"),
                            ("failed", "失败"),
                        ],
                        default="waiting",
                        max_length=16,
                        verbose_name="状态",
                    ),
                ),
                ("seed", models.BigIntegerField(default=1, verbose_name="随机种子")),
                ("draws", models.PositiveIntegerField(default=1000, verbose_name="模拟次数")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="原因")),
                ("step", models.CharField(blank=True, max_length=64, verbose_name="步骤")),
                ("done", models.PositiveSmallIntegerField(default=0, verbose_name="进度（百分比）")),
                ("error", models.TextField(blank=True, verbose_name="错误")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="提交时间")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="开始时间")),
                ("beat_at", models.DateTimeField(blank=True, null=True, verbose_name="最近进展")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="结束时间")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提交人",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="compute_jobs",
                        to="cities.round",
                        verbose_name="轮次",
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scoring.resultsnapshot",
                        verbose_name="快照",
                    ),
                ),
            ],
            options={
                "verbose_name": "计算任务",
                "verbose_name_plural": "计算任务",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["waiting", "running"])),
                        fields=("round",),
                        name="compute_job_one_open_per_round",
                    )
                ],
            },
        ),
    ]
