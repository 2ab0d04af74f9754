"""How ids from the database find their rows and columns."""

import numpy as np
import pytest

from scoring import inputs


@pytest.mark.parametrize("dense", [10, 0])
def test_ids_find_their_place_by_either_way(dense, monkeypatch):
    monkeypatch.setattr(inputs, "_DENSE", dense)
    places = inputs._Places([14, 11, 19])
    assert places(np.array([11, 19, 14, 14])).tolist() == [1, 2, 0, 0]
    assert places(np.array([10, 12, 20, 19, -5])).tolist() == [-1, -1, -1, 2, -1]


@pytest.mark.parametrize("dense", [10, 0])
def test_an_empty_list_knows_nobody(dense, monkeypatch):
    monkeypatch.setattr(inputs, "_DENSE", dense)
    places = inputs._Places([])
    assert places(np.array([], dtype=np.int64)).tolist() == []
    assert places(np.array([0, 3])).tolist() == [-1, -1]
