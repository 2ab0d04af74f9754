import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("indicators", "0006_consultation"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="PendingImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uploaded_at", models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="上传时间")),
                ("filename", models.CharField(max_length=255, verbose_name="文件名")),
                ("content", models.BinaryField(verbose_name="内容")),
                ("choices", models.JSONField(blank=True, default=dict, verbose_name="选择")),
                (
                    "framework",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="indicators.framework", verbose_name="指标体系",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL,
                        verbose_name="上传人",
                    ),
                ),
            ],
            options={
                "verbose_name": "待确认的导入",
                "verbose_name_plural": "待确认的导入",
                "ordering": ["-uploaded_at", "-id"],
            },
        ),
    ]
