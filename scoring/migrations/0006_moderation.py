from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "0005_review")]
    operations = [
        migrations.AddField(
            model_name="reconsideration",
            name="reply",
            field=models.TextField(blank=True, verbose_name="答复"),
        ),
    ]
