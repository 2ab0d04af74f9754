from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0009_visits")]
    operations: list = []
