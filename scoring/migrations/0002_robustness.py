from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="resultsnapshot",
            name="robustness",
            field=models.JSONField(blank=True, default=None, null=True, verbose_name="稳健性"),
        ),
    ]
