"""Who sees what of published results: every address under /results/, for every audience and every role."""

import io
import json
import re
import zipfile

import pytest
from django.urls import get_resolver

from cities.answers import Content
from scoring.actions.compute import compute_round
from scoring.visibility import rounds_seen_by, view_of
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.walk, pytest.mark.xdist_group("visibility")]

VALUE = "value"
OWN, OTHER, HIDDEN = "甲辰市", "乙巳市", "丙午市"
NAMES = (OWN, OTHER, HIDDEN)
ROLES = (
    "visitor",
    "outsider",
    "staff",
    "hidden_staff",
    "reviewer",
    "busy_reviewer",
    "moderator",
    "administrator",
)
INSIDE = ("moderator", "administrator")

#: what tells a rank: a place, an interval, a column of them
RANKS = re.compile(
    r"第 ?\d+ ?位|得分最高|领先下一位|<th[^>]*>\s*(?:<[^>]+>)*\s*(?:名次|名次区间)\s*<|\"名次\"|排名第"
)


class World:
    """Three reviewed cities, one of them not on the public list, and a person per role."""

    def __init__(self) -> None:
        self.round = make.round_()
        contents = {OWN: "40", OTHER: "90", HIDDEN: "70"}
        self.submissions = {
            name: make.confirmed(
                make.handed_in(
                    make.city(name_zh=name), self.round, contents={"A1": Content(VALUE, value_text=value)}
                )
            )
            for name, value in contents.items()
        }
        waiting = make.handed_in(make.city(name_zh="丁未市"), self.round)
        busy = make.assignment(waiting).reviewer
        self.people = {
            "visitor": None, "outsider": make.member(make.city()), "administrator": make.user("administrator"),
            "staff": make.member(self.submissions[OWN].city), "moderator": make.user("moderator"),
            "hidden_staff": make.member(self.submissions[HIDDEN].city), "busy_reviewer": busy,
            "reviewer": self.submissions[OTHER].assignments.get().reviewer,
        }  # fmt: skip
        self.snapshot = compute_round(round=self.round, by=None, draws=20)

    def publish(self, audience: str, ranks: bool = True) -> None:
        make.published(
            snapshot=self.snapshot, audience=audience, shows_ranks=ranks, by=self.people["administrator"],
            unlisted=[self.submissions[HIDDEN].pk],
        )  # fmt: skip
        self.round.refresh_from_db()

    def code(self, name: str) -> str:
        return self.submissions[name].city.code


@pytest.fixture
def world():
    return World()


def addresses(world: World, city: str) -> list[str]:
    """Every GET address below /results/ with a code, told by the table of addresses itself; `city` fills in."""
    found = []
    for one in get_resolver().url_patterns:
        if str(one.pattern) == "results/":
            found += [str(inner.pattern) for inner in one.url_patterns]
    values = {
        "str:code": world.round.code, "path:city": city, "path:node": "A1", "int:pk": world.snapshot.pk, "str:kind": "x",
    }  # fmt: skip
    made = [
        re.sub(r"<([^>]+)>", lambda m: str(values.get(m[1], "1")), route)
        for route in found
        if "code" in route
    ]
    one, other, third = (world.code(name) for name in NAMES)
    made += [
        f"{world.round.code}/compare/?c={one}&c={other}", f"{world.round.code}/compare/?c={one}&c={other}&c={third}",
        f"{world.round.code}/?snapshot={world.snapshot.pk}", f"{world.round.code}/city/{city}/why/TOTAL/",
        f"{world.round.code}/export/?format=csv",
        f"{world.round.code}/i/A/", f"{world.round.code}/?sort=A1", f"{world.round.code}/?csv=ranking",
        f"{world.round.code}/i/A1/?csv=indicator",
    ]  # fmt: skip
    return [f"/results/{route}" for route in made]


def read(response) -> str:
    """What stands in an answer, also inside a zipped document."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return "".join(
                file.read(name).decode("utf-8", "ignore") for name in file.namelist() if name.endswith(".xml")
            )
    text = content.decode("utf-8-sig")
    # what a chart is drawn from says names with escapes
    return text + re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


def walked(client, world: World, role: str) -> dict[str, str]:
    """What the role reads at every address that answers it; sign-in pages and 404 are no answer."""
    client.logout()
    if world.people[role] is not None:
        client.force_login(world.people[role])
    found = {}
    every = dict.fromkeys(one for city in NAMES for one in addresses(world, world.code(city)))
    for address in every:
        if "report/" in address and role not in (
            "visitor",
            "staff",
        ):  # a document takes a second; these two decide
            continue
        response = client.get(address, follow=True)
        assert response.status_code in (200, 403, 404, 405, 422), address
        signing_in = response.request["PATH_INFO"].startswith("/account/login")
        if response.status_code == 200 and not signing_in:
            found[address] = read(response)
    return found


def where(pages: dict[str, str], words: str) -> list[str]:
    return [address for address, text in pages.items() if words in text]


#: role -> cities that it must never read, per audience
BLIND = {
    "own": {
        "visitor": NAMES, "outsider": NAMES, "staff": (OTHER, HIDDEN), "hidden_staff": (OWN, OTHER), "reviewer": NAMES,
        "busy_reviewer": NAMES,
    },
    "participants": {"visitor": NAMES, "outsider": NAMES, "busy_reviewer": NAMES},
    "public": dict.fromkeys(("visitor", "outsider", "busy_reviewer"), (HIDDEN,)),
}  # fmt: skip


@pytest.mark.parametrize("audience", BLIND)
def test_nobody_reads_the_name_of_a_city_that_is_not_shown_to_them(client, world, audience):
    world.publish(audience)
    for role in ROLES:
        pages = walked(client, world, role)
        blind = BLIND[audience].get(role, ())
        for name in NAMES:
            if name in blind:
                assert where(pages, name) == [], (role, name)
                assert [one for one in pages if f"/city/{world.code(name)}/" in one] == [], (role, name)
            else:
                assert where(pages, name), (role, name)


@pytest.mark.parametrize("audience", ["own", "participants", "public"])
def test_without_ranks_nobody_outside_reads_one(client, world, audience):
    world.publish(audience, ranks=False)
    for role in ROLES:
        pages = walked(client, world, role)
        found = {one: match[0] for one, text in pages.items() if (match := RANKS.search(text))}
        if role in INSIDE:
            assert found, role
        else:
            assert found == {}, role
            assert not [one for one in pages if one.endswith("/robust/")], role


def test_without_ranks_the_cities_stand_in_the_order_of_their_codes(client, world):
    world.publish("public", ranks=False)
    for address in ("", "i/A1/", "?csv=ranking"):
        response = client.get(f"/results/{world.round.code}/{address}")
        if response.status_code == 200:
            text = read(response)
            assert text.index(OWN) < text.index(OTHER), address  # the better one has the higher code


def test_in_a_round_of_ones_own_city_only_there_is_nothing_to_compare(client, world):
    world.publish("own")
    client.force_login(world.people["staff"])
    base = f"/results/{world.round.code}/"
    for closed in ("compare/", "robust/", "method/inputs.json", "method/results.csv"):
        assert client.get(base + closed).status_code == 404, closed
    assert client.get(f"{base}city/{world.code(OWN)}/").status_code == 200
    assert "这里只有本市的得分" in client.get(base).content.decode()


def test_the_public_list_says_what_it_leaves_out_and_numbers_nothing_anew(client, world):
    world.publish("public")
    page = client.get(f"/results/{world.round.code}/").content.decode()
    assert "名单中不含 1 个城市" in page
    table = json.loads(json.dumps([line.split(",") for line in _csv(client, world).splitlines()]))
    head = table[0]
    ranks = {
        row[head.index("city")]: row[head.index("rank")]
        for row in table
        if row[head.index("node_code")] == "TOTAL"
    }
    assert ranks == {OTHER: "1", OWN: "3", "丁未市": ""}
    assert HIDDEN not in client.get(f"/results/{world.round.code}/method/inputs.json").content.decode()


def _csv(client, world) -> str:
    return client.get(f"/results/{world.round.code}/method/results.csv").content.decode("utf-8-sig")


def test_before_publication_only_those_who_run_the_round_have_a_view(world):
    assert {role for role, who in world.people.items() if view_of(who or _nobody(), world.round)} == set(
        INSIDE
    )
    for role, who in world.people.items():
        seen = rounds_seen_by(who or _nobody(), [world.round])
        assert bool(seen) == (role in INSIDE), role


@pytest.mark.parametrize("audience", BLIND)
def test_the_list_of_rounds_agrees_with_the_gate(world, audience):
    world.publish(audience)
    for role, who in world.people.items():
        user = who or _nobody()
        assert bool(rounds_seen_by(user, [world.round])) == (view_of(user, world.round) is not None), role
        assert user.has_perm("scoring.see_results", world.round) == (
            view_of(user, world.round) is not None
        ), role


def _nobody():
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


# --- pages that need no account --------------------------------------------------------------------------------


def test_public_pages_are_kept_by_proxies_set_no_cookie_and_are_not_sent_twice(client, world):
    world.publish("public")
    code = world.round.code
    for address in (
        "/",
        "/results/",
        f"/results/{code}/",
        f"/results/{code}/method/",
        f"/results/{code}/i/A1/",
    ):
        response = client.get(address)
        assert response.status_code == 200
        assert "public" in response.headers["Cache-Control"], address
        assert "max-age" in response.headers["Cache-Control"]
        assert not response.cookies, address
        assert "Cookie" in response.headers["Vary"]
    first = client.get(f"/results/{code}/")
    again = client.get(f"/results/{code}/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    world.round.shows_ranks = False
    world.round.save()
    changed = client.get(f"/results/{code}/", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("role", ["outsider", "staff", "administrator"])
def test_what_somebody_signed_in_sees_is_never_public(client, world, role):
    world.publish("public")
    client.force_login(world.people[role])
    for address in ("", "method/", "i/A1/"):
        response = client.get(f"/results/{world.round.code}/{address}")
        assert "public" not in response.headers["Cache-Control"]
        assert "no-store" in response.headers["Cache-Control"]
        assert "ETag" not in response.headers


def test_a_browser_with_a_session_gets_no_public_copy(client, world):
    """Somebody who has just signed out may be shown a message that is theirs alone."""
    world.publish("public")
    session = client.session
    session["anything"] = 1
    session.save()
    assert "public" not in client.get(f"/results/{world.round.code}/").headers.get("Cache-Control", "")


def test_public_pages_name_no_person_and_give_no_reason(client, world):
    mark = world.submissions[OWN].assignments.get().marks.first()
    mark.reason = "评审意见甲乙丙"
    mark._history_user, mark._change_reason = None, "page"
    mark.save()
    world.publish("public")
    pages = walked(client, world, "visitor")
    people = [who.display_name for who in world.people.values() if who is not None]
    people += [
        task.reviewer.display_name for one in world.submissions.values() for task in one.assignments.all()
    ]
    for words in [*people, "评审意见甲乙丙"]:
        assert [one for one, text in pages.items() if re.search(rf"{words}(?!\d)", text)] == [], words


def test_the_front_page_lists_what_the_public_may_see_and_says_what_was_found(client, world):
    assert world.round.name not in client.get("/").content.decode()
    world.publish("participants")
    assert world.round.name not in client.get("/").content.decode()
    world.round.audience, world.round.is_demo = "public", True
    world.round.save()
    page = client.get("/").content.decode()
    assert world.round.name in page
    assert "演示数据" in page
    assert str(world.round.year) in page
    assert OTHER in page  # who leads
    assert HIDDEN not in page
    world.round.shows_ranks = False
    world.round.save()
    assert not RANKS.search(client.get("/").content.decode())
