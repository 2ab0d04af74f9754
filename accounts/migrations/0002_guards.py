from django.db import migrations

from accounts.guards import AUDIT_GUARDS, operation


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [operation(AUDIT_GUARDS)]
