from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0003_provisional")]
    operations = [
        migrations.AddField(
            model_name="resultsnapshot",
            name="published_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="公布时间"),
        ),
    ]
