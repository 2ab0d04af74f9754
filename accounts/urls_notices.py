from django.urls import path

from accounts import views

app_name = "notifications"
urlpatterns = [
    path("", views.notifications, name="list"),
    path("read/", views.notifications_read, name="read"),
    path("digest/", views.notifications_digest, name="digest"),
    path("<int:pk>/", views.notification_open, name="open"),
]
