"""Pages of the frameworks, under `framework/`."""

from django.urls import path

from indicators.views import (
    consultation,
    consultation_manage,
    editing,
    editing_node,
    editions,
    importing,
    pages,
    weighting,
)

app_name = "framework"
urlpatterns = [
    path("", pages.framework_list, name="list"),
    path("import/", importing.import_upload, name="import"),
    path("import/file/<int:pk>/", importing.import_check, name="import_check"),
    path("import/file/<int:pk>/confirm/", importing.import_confirm, name="import_confirm"),
    path("import/file/<int:pk>/cancel/", importing.import_cancel, name="import_cancel"),
    path("<str:code>/<str:edition>/", pages.framework_detail, name="detail"),
    path("<str:code>/<str:edition>/export/", pages.framework_export, name="export"),
    path("<str:code>/<str:edition>/consultation/", consultation.consultation, name="consultation"),
    path(
        "<str:code>/<str:edition>/consultation/comment/",
        consultation.comment_new,
        name="consultation_comment",
    ),
    path(
        "<str:code>/<str:edition>/consultation/comment/<int:comment>/",
        consultation.comment_edit,
        name="consultation_edit",
    ),
    path(
        "<str:code>/<str:edition>/consultation/comment/<int:comment>/withdraw/",
        consultation.comment_withdraw,
        name="consultation_withdraw",
    ),
    path("<str:code>/<str:edition>/consultation/form/", consultation.form_download, name="consultation_form"),
    path(
        "<str:code>/<str:edition>/consultation/upload/", consultation.form_upload, name="consultation_upload"
    ),
    path(
        "<str:code>/<str:edition>/consultation/upload/confirm/",
        consultation.form_confirm,
        name="consultation_confirm",
    ),
    path(
        "<str:code>/<str:edition>/consultation/open/",
        consultation_manage.consultation_open,
        name="consultation_open",
    ),
    path(
        "<str:code>/<str:edition>/consultation/settings/",
        consultation_manage.consultation_settings,
        name="consultation_settings",
    ),
    path(
        "<str:code>/<str:edition>/consultation/close/",
        consultation_manage.consultation_close,
        name="consultation_close",
    ),
    path(
        "<str:code>/<str:edition>/consultation/publish/",
        consultation_manage.consultation_publish,
        name="consultation_publish",
    ),
    path(
        "<str:code>/<str:edition>/consultation/collation/",
        consultation_manage.collation,
        name="consultation_collation",
    ),
    path(
        "<str:code>/<str:edition>/consultation/answer/",
        consultation_manage.answer,
        name="consultation_answer",
    ),
    path(
        "<str:code>/<str:edition>/consultation/export/",
        consultation_manage.export,
        name="consultation_export",
    ),
    path("<str:code>/<str:edition>/copy/", editions.edition_copy, name="copy"),
    path("<str:code>/<str:edition>/diff/", editions.edition_diff, name="diff"),
    path("<str:code>/<str:edition>/check/", editions.edition_check, name="check"),
    path("<str:code>/<str:edition>/publish/", editions.edition_publish, name="publish"),
    path("<str:code>/<str:edition>/retire/", editions.edition_retire, name="retire"),
    path("<str:code>/<str:edition>/print/", editions.edition_print, name="print"),
    path("<str:code>/<str:edition>/word/", editions.edition_word, name="word"),
    path("weights/", weighting.mine, name="weights_mine"),
    path("<str:code>/<str:edition>/weights/", weighting.weights, name="weights"),
    path(
        "<str:code>/<str:edition>/weights/group/<str:group>/", weighting.weights_group, name="weights_group"
    ),
    path("<str:code>/<str:edition>/weights/ahp/new/", weighting.exercise_new, name="weights_exercise_new"),
    path("<str:code>/<str:edition>/weights/ahp/<int:exercise>/", weighting.exercise, name="weights_exercise"),
    path(
        "<str:code>/<str:edition>/weights/ahp/<int:exercise>/close/",
        weighting.exercise_close,
        name="weights_exercise_close",
    ),
    path(
        "<str:code>/<str:edition>/weights/ahp/<int:exercise>/adopt/<str:group>/",
        weighting.exercise_adopt,
        name="weights_exercise_adopt",
    ),
    path(
        "<str:code>/<str:edition>/weights/ahp/<int:exercise>/reopen/<int:sheet>/",
        weighting.exercise_reopen,
        name="weights_exercise_reopen",
    ),
    path(
        "<str:code>/<str:edition>/weights/ahp/<int:exercise>/fill/<str:group>/",
        weighting.sheet,
        name="weights_sheet",
    ),
    path("<str:code>/<str:edition>/edit/", editing.edit, name="edit"),
    path("<str:code>/<str:edition>/edit/row/<int:pk>/", editing.edit_row, name="edit-row"),
    path("<str:code>/<str:edition>/edit/i/<str:node>/", editing_node.edit_node, name="edit-node"),
    path("<str:code>/<str:edition>/edit/i/<str:node>/delete/", editing.edit_delete, name="edit-delete"),
    path("<str:code>/<str:edition>/edit/curve/", editing_node.edit_curve, name="edit-curve"),
    path("<str:code>/<str:edition>/edit/settings/", editing.edit_settings, name="edit-settings"),
    path("<str:code>/<str:edition>/edit/undo/<int:number>/", editing.edit_undo, name="edit-undo"),
    path("<str:code>/<str:edition>/edit/changes/", editing.edit_changes, name="edit-changes"),
]
