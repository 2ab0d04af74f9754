from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0006_assigning")]
    operations: list = []
