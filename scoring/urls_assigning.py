"""The administrator's addresses of assigning and progress, below /manage/."""

from django.urls import path

from scoring.views import agreement, manage_assign, manage_progress, recusals

_ROUND = "rounds/<str:code>/"
urlpatterns = [
    path(_ROUND + "assign/<int:submission>/", manage_assign.assign, name="assign"),
    path(_ROUND + "assignment/", manage_assign.overview, name="assignment"),
    path(_ROUND + "assignment/plan/", manage_assign.plan, name="assign_plan"),
    path(_ROUND + "assignment/workbook/", manage_assign.workbook, name="assign_workbook"),
    path(_ROUND + "assignment/upload/", manage_assign.upload, name="assign_upload"),
    path(_ROUND + "assignment/upload/confirm/", manage_assign.upload_confirm, name="assign_upload_confirm"),
    path(_ROUND + "assignment/anchors/", manage_assign.anchors, name="anchors"),
    path(_ROUND + "assignment/calibration/", agreement.calibration, name="calibration"),
    path(_ROUND + "assignment/recusals/", recusals.register, name="recusals"),
    path(_ROUND + "assignment/recusals/<int:pk>/lift/", recusals.lift, name="recusal_lift"),
    path(
        _ROUND + "tasks/<int:assignment>/dimensions/", manage_assign.task_dimensions, name="task_dimensions"
    ),
    path(_ROUND + "tasks/<int:assignment>/take-off/", manage_assign.take_off, name="take_off"),
    path(_ROUND + "tasks/<int:assignment>/reopen/", manage_assign.reopen, name="task_reopen"),
    path(_ROUND + "progress/", manage_progress.page, name="progress"),
    path(_ROUND + "progress/remind/", manage_progress.remind, name="progress_remind"),
    path(_ROUND + "progress/export/", manage_progress.export, name="progress_export"),
    path(_ROUND + "settings/", manage_progress.settings, name="settings"),
    path("reviewers/", manage_assign.reviewer_list, name="reviewers"),
    path("reviewers/<int:pk>/", manage_assign.reviewer, name="reviewer"),
]
