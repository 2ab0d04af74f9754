"""The planner: a plan whenever there is one, every constraint kept, loads and pairs even, the same for the same seed."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.engine.assigning import Request, components, overlaps, plan


def ask(need, allowed, room, load=None, present=None):
    allowed = np.array(allowed, dtype=bool)
    return Request(
        need=np.array(need, dtype=np.int64), allowed=allowed, room=np.array(room, dtype=np.int64),
        load=np.zeros(len(room), dtype=np.int64) if load is None else np.array(load, dtype=np.int64),
        present=np.zeros_like(allowed) if present is None else np.array(present, dtype=bool),
    )  # fmt: skip


@st.composite
def requests(draw):
    reviewers, cities = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    allowed = draw(
        st.lists(
            st.lists(st.booleans(), min_size=cities, max_size=cities), min_size=reviewers, max_size=reviewers
        )
    )
    present = [[not may and draw(st.booleans()) for may in row] for row in allowed]
    need = draw(st.lists(st.integers(0, 3), min_size=cities, max_size=cities))
    room = draw(st.lists(st.integers(0, 4), min_size=reviewers, max_size=reviewers))
    load = draw(st.lists(st.integers(0, 3), min_size=reviewers, max_size=reviewers))
    return ask(need, allowed, room, load, present)


def possible(request) -> bool:
    """Every choice of panels, city by city: nothing of the planner's own method."""
    reviewers, cities = request.allowed.shape

    def seat(city, room):
        if city == cities:
            return True
        free = [who for who in range(reviewers) if request.allowed[who, city] and room[who] > 0]
        for panel in combinations(free, int(request.need[city])):
            left = list(room)
            for who in panel:
                left[who] -= 1
            if seat(city + 1, left):
                return True
        return False

    return seat(0, request.room.tolist())


@given(requests(), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_a_plan_is_found_exactly_when_there_is_one_and_keeps_every_constraint(request_, seed):
    made = plan(request_, seed=seed)
    assert (made.shortage is None) == possible(request_)
    if made.shortage is not None:
        assert not made.given.any()
        assert made.shortage.missing > 0
        return
    assert (made.given.sum(axis=0) == request_.need).all()
    assert (made.given.sum(axis=1) <= request_.room).all()
    assert not (made.given & ~request_.allowed).any()


@given(requests(), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_a_shortage_is_a_proof(request_, seed):
    """The cities named need more than the full reviewers have room for, and the others may fill no more of them."""
    short = plan(request_, seed=seed).shortage
    if short is None:
        return
    inside, full = list(short.cities), set(short.full)
    most = sum(request_.allowed[who, inside].sum() for who in range(len(request_.room)) if who not in full)
    assert short.needed == request_.need[inside].sum()
    assert short.room == request_.room[sorted(full)].sum()
    assert short.others <= most
    # whoever is not full sits in every city of the set that is open to them
    assert short.others == most


@given(requests(), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_the_same_seed_gives_the_same_plan(request_, seed):
    assert (plan(request_, seed=seed).given == plan(request_, seed=seed).given).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_free_panel_is_even_in_loads_and_pairs_and_connected(seed):
    """Six reviewers, sixteen cities, three seats: 48 seats are 8 each; 48 pairs on 15 pairs are 3 or 4 each."""
    made = plan(ask([3] * 16, np.ones((6, 16)), [16] * 6), seed=seed)
    assert made.given.sum(axis=1).tolist() == [8] * 6
    shared = overlaps(made.given)[np.triu_indices(6, 1)]
    assert shared.min() >= 2
    assert shared.max() <= 5
    assert len(components(made.given)) == 1


def test_loads_count_what_everybody_has_already():
    made = plan(ask([1] * 4, np.ones((2, 4)), [9, 9], load=[4, 0]), seed=1)
    assert made.given.sum(axis=1).tolist() == [0, 4]


def test_reviewers_who_would_share_no_city_are_brought_together():
    """Two pairs on two cities each could stay apart for ever; the plan joins them."""
    for seed in range(20):
        made = plan(ask([2] * 4, np.ones((4, 4)), [2] * 4), seed=seed)
        assert len(components(made.given)) == 1


@pytest.mark.parametrize(("cities", "reviewers"), [(337, 60)])
def test_a_whole_country_is_planned_in_seconds(cities, reviewers):
    chance = np.random.default_rng(7)
    allowed = chance.random((reviewers, cities)) > 0.05
    made = plan(ask([3] * cities, allowed, [18] * reviewers), seed=1)
    loads = made.given.sum(axis=1)
    assert made.shortage is None
    assert loads.max() - loads.min() <= 1
    assert len(components(made.given)) == 1
