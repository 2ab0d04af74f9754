from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial")]
    operations = []
