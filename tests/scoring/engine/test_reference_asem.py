"""The JRC's ASEM index as COINr computes it: see tests/reference/README.md."""

import numpy as np
import pytest

from scoring.engine import Missing, Rules, Tree, Unreviewed, score_round

from .helpers import group, number, quantity, read_rows, round_inputs

NODES = (
    "Conn",
    "Sust",
    "Physical",
    "ConEcFin",
    "Political",
    "Instit",
    "P2P",
    "Environ",
    "Social",
    "SusEcFin",
)
CASES = [
    ("iData.csv", "package", None, "raw_amean_package__scores.csv"),
    ("iData.csv", "custom", None, "raw_amean_custom__scores.csv"),
    ("iData_sparse.csv", "custom", None, "sparse_amean_custom__scores.csv"),
    ("iData_sparse.csv", "custom", 2 / 3, "sparse_amean_custom_thr067__scores.csv"),
]


def index_tree(weights):
    meta = [row for row in read_rows("asem", "iMeta.csv") if row["Level"] in {"1", "2", "3"}]
    if weights == "custom":
        weight = {row["iCode"]: row["Weight"] for row in read_rows("asem", "weights_custom.csv")}
    else:
        weight = {row["iCode"]: row["Weight"] for row in meta}
    specs = []
    for row in meta:
        parent = "" if row["Parent"] == "Index" else row["Parent"]
        # R writes 1.9299999999999999 for 1.93; weights have at most fifteen decimals.
        share = f"{float(weight[row['iCode']]):.15g}"
        if row["Level"] == "1":
            specs.append(
                quantity(
                    row["iCode"], parent, share, "", normalisation="minmax", direction=int(row["Direction"])
                )
            )
        else:
            specs.append(group(row["iCode"], parent, share))
    return Tree.build(specs)


def scored(data, weights, share):
    tree = index_tree(weights)
    rows = read_rows("asem", data)
    values = [[number(row[code]) for code in tree.leaf_codes] for row in rows]
    rules = Rules(missing=Missing.EXCLUDE, minimum_share=share, unreviewed=Unreviewed.STAND)
    codes = [row["uCode"] for row in rows]
    return tree, codes, score_round(tree, rules, round_inputs(values))


def expected_table(file, codes):
    by_code = {row["uCode"]: row for row in read_rows("asem", file)}
    assert sorted(by_code) == sorted(codes)
    return np.array([[number(by_code[code][node]) for node in ("Index", *NODES)] for code in codes])


@pytest.mark.parametrize(("data", "weights", "share", "file"), CASES)
def test_scores_of_every_country_and_node(data, weights, share, file):
    tree, codes, scores = scored(data, weights, share)
    assert (len(codes), len(tree.leaves)) == (51, 49)
    ours = scores.score[:, [0, *(tree.index[node] for node in NODES)]]
    np.testing.assert_allclose(ours, expected_table(file, codes), rtol=0, atol=1e-9)


def test_ranks_of_every_country_and_node():
    tree, codes, scores = scored("iData.csv", "custom", None)
    ours = scores.rank[:, [0, *(tree.index[node] for node in NODES)]]
    np.testing.assert_array_equal(ours, expected_table("raw_amean_custom__ranks.csv", codes))
