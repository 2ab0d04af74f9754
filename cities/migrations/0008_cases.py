from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0007_returns")]
    operations: list = []
