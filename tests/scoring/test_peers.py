"""Peer groups: who belongs together, and ranks within a group with ties, gaps and cities that are not ranked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import peers
from scoring.find_cities import Filters, choices, matches
from scoring.peers import Place

PLACES = {
    "a": Place("a", "重庆市", "重庆市", "municipality", "west", 3191.0),
    "b": Place("b", "绍兴市", "浙江省", "prefecture", "east", 539.0),
    "c": Place("c", "昆山市", "江苏省", "county", "east", 209.25),
    "d": Place("d", "常熟市", "江苏省", "county", "east", None),
    "e": Place("e", "AUT", "", "", "", 49.99),
}


@pytest.mark.parametrize(
    ("population", "size"),
    [(None, ""), (0.5, "small"), (49.99, "small"), (50, "medium"), (100, "large"), (499.9, "large"),
     (500, "very_large"), (1000, "super_large"), (3191, "super_large")],
)  # fmt: skip
def test_a_class_of_population_starts_at_its_lower_bound(population, size):
    assert peers.size_of(population) == size


def test_cities_of_which_a_thing_is_not_known_are_in_no_group():
    assert peers.peers_of(PLACES, "c", "level") == {"c", "d"}
    assert peers.peers_of(PLACES, "d", "size") == frozenset()
    assert peers.peers_of(PLACES, "e", "level") == frozenset()
    assert peers.kinds_for(PLACES, "c") == ["region"]  # two counties are too few to say anything
    assert peers.group_name("size", "large") == "100 万至 500 万"
    assert peers.group_name("level", "") == "未填写"


def test_ranks_within_a_group_keep_ties_and_leave_out_who_is_not_ranked():
    ranks = {"a": 1, "b": 2, "c": 2, "d": 4, "e": None, "f": 5, "outside": 3}
    groups = {"a": "x", "b": "y", "c": "y", "d": "y", "e": "y", "f": "x"}

    assert peers.group_ranks(ranks, groups) == {"a": 1, "f": 2, "b": 1, "c": 1, "d": 3}


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.one_of(st.none(), st.integers(0, 6))), max_size=30))
def test_a_rank_in_a_group_is_one_more_than_the_members_ahead(members):
    scores = {str(place): score for place, (_group, score) in enumerate(members)}
    ranks = {
        code: None if score is None else 1 + sum(o is not None and o > score for o in scores.values())
        for code, score in scores.items()
    }
    groups = {str(place): group for place, (group, _score) in enumerate(members)}

    found = peers.group_ranks(ranks, groups)

    for code, score in scores.items():
        ahead = [o for other, o in scores.items() if groups[other] == groups[code] and o is not None]
        assert found.get(code) == (None if score is None else 1 + sum(o > score for o in ahead))


def test_a_spread_ignores_who_has_no_score():
    found = peers.spread([10.0, None, 20.0, 40.0, 30.0])

    assert (found.count, found.low, found.lower, found.median, found.upper, found.high) == (
        4, 10.0, 17.5, 25.0, 32.5, 40.0,
    )  # fmt: skip
    assert peers.spread([None]) is None


@pytest.mark.parametrize(
    ("words", "found"),
    [("重庆", "a"), ("chongqing", "a"), ("Chong Qing", "a"), ("cq", "a"), ("sx", "b"), ("shaoxing", "b"),
     ("ks", "c"), ("aut", "e"), ("", "abcde"), ("zhongqing", ""), ("市", "abcd"), ("xyz", "")],
)  # fmt: skip
def test_cities_are_found_by_name_pinyin_initials_and_code(words, found):
    by_code = {place.code for place in PLACES.values() if words and words.lower() == place.code}
    assert {code for code, place in PLACES.items() if matches(place, words)} - by_code == set(found)


def test_filters_that_nobody_offers_are_not_asked():
    filters = Filters.read({"peers": "x", "sort": "Z", "level": "county", "q": " 昆 "}, sorts=["A"])

    assert (filters.peers, filters.sort, filters.level, filters.q) == ("", "", "county", "昆")
    assert [code for code, place in PLACES.items() if filters.finds(place)] == ["c"]


def test_a_filter_without_a_choice_is_not_offered():
    assert choices([PLACES["c"], PLACES["d"]]) == {}
    offered = choices(PLACES.values())
    assert [value for value, _label in offered["level"]] == ["municipality", "prefecture", "county"]
    assert [value for value, _label in offered["size"]] == ["small", "large", "very_large", "super_large"]
