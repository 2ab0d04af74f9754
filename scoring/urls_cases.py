from django.urls import path

from scoring.views import cases

app_name = "cases"
urlpatterns = [
    path("<str:code>/", cases.index, name="index"),
    path("<str:code>/<int:submission>/", cases.case, name="case"),
    path("<str:code>/<int:submission>/recommend/", cases.recommend, name="recommend"),
    path("<str:code>/<int:submission>/withdraw/", cases.withdraw, name="withdraw"),
    path("<str:code>/<int:submission>/decide/", cases.decide, name="decide"),
]
