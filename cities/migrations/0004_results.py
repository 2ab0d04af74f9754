from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cities", "0003_self_assessment")]
    operations = [
        migrations.AddField(
            model_name="round",
            name="grade_bands",
            field=models.CharField(
                blank=True,
                help_text="例如 90:优秀|80:良好|60:合格|0:待改进；空为不分等级。",
                max_length=200,
                verbose_name="等级划分",
            ),
        ),
    ]
