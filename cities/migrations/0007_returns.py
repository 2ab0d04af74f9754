from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cities", "0006_uploads")]
    operations: list = []
