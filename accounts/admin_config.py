"""Makes the administrators' site the one that every room registers its records with."""

from django.contrib.admin.apps import AdminConfig


class AdministratorAdminConfig(AdminConfig):
    default = False
    default_site = "accounts.admin_site.AdministratorSite"
