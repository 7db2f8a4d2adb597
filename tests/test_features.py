"""Looking up many strings at a time says what looking them up one by one would."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifier.features import passages, summed, token_features
from classifier.features.ngrams import NGrams
from classifier.features.passage import tokens_of
from classifier.features.sums import MANY
from classifier.features.units import Known, Ragged
from classifier.preprocessing import Chunks, cut
from classifier.preprocessing.hashing import HashTable, hashes_of, letters_of
from classifier.storage import Model

TEXT = st.text(st.sampled_from("abcæøåABÆ 12\n.,-«»’Ωé👍\u3000"), max_size=60)


@given(st.lists(TEXT, min_size=1, max_size=8))
def test_chunks_are_numbered_as_they_are_met(texts: list[str]) -> None:
    """What stands between white space gets the numbers that a dict would give, and keeps them."""
    chunks, expected = Chunks(), dict[str, int]()
    for some in (texts, texts[::-1]):
        words = "\n".join(some).split()
        assert cut(some, chunks).numbers.tolist() == [expected.setdefault(word, len(expected)) for word in words]
    assert chunks.fresh == list(expected)


@given(st.lists(st.text(min_size=1, max_size=6), max_size=30))
def test_hashes_tell_strings_apart(strings: list[str]) -> None:
    """The hash of a string does not depend on where it stands, and another string has another."""
    ends = np.cumsum([len(s) for s in strings])
    hashes = hashes_of(letters_of("".join(strings)), np.concatenate(([0], ends[:-1])) if strings else ends, ends)
    alone = [int(hashes_of(letters_of(s), np.array([0]), np.array([len(s)]))[0]) for s in strings]
    assert hashes.tolist() == alone
    assert len(set(alone)) == len(set(strings))


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=200), st.integers(0, 200))
def test_a_hash_table_is_a_dict(keys: list[int], at: int) -> None:
    """Put in at once or in two parts, however many want one slot (here all want eight), every hash has its number, and no other has one."""
    hashes = np.array([key >> 3 | (key & 7) << 61 if key % 2 else key >> 3 for key in keys], np.uint64)
    hashes = hashes[np.sort(np.unique(hashes, return_index=True)[1])]
    table = HashTable(hashes[:at])
    table.put(hashes[at:])
    assert table.look_up(hashes).tolist() == list(range(len(hashes)))
    others = hashes ^ np.uint64(1)
    found = table.look_up(others)
    assert ((found >= 0) == np.isin(others, hashes)).all()


@given(st.lists(TEXT, max_size=8))
def test_ngrams_are_those_of_each_token(model: Model, texts: list[str]) -> None:
    """The known character n-grams of many tokens, found at once, are those that `token_features` names."""
    tokens = [match[0] for text in [*texts, "kommunene innførte velferdsteknologi"] for match in tokens_of(text)]
    index = model.vocabulary.index
    features, places = NGrams({name: i for name, i in index.items() if name[0] == "c"}).find(tokens)
    expected = Counter((k, index[f]) for k, token in enumerate(tokens) for f in token_features(token) if f[0] == "c" and f in index)
    assert Counter(zip(places.tolist(), features.tolist(), strict=True)) == expected


@given(st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=30), st.data())
def test_rows_kept_in_their_place(rows: list[list[int]], data: st.DataObject) -> None:
    """Rows of different lengths are thinned out where they lie, and more can be added."""
    ragged = Ragged(room=2)
    ragged.add([x for row in rows for x in row], map(len, rows))
    kept = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)) if rows else st.just(set())))
    ragged.keep(np.array(kept, np.int64))
    ragged.add([7, 8], [2])
    values, lengths = ragged.take(np.arange(ragged.n))
    assert (values.tolist(), lengths.tolist()) == (
        [x for k in kept for x in rows[k]] + [7, 8],
        [len(rows[k]) for k in kept] + [2],
    )


def test_few_rows_are_summed_as_many_are() -> None:
    """A row's sum does not depend on how many rows are summed with it, to the last digit."""
    draw = np.random.default_rng(0)
    table = draw.normal(size=(500, 7)).astype(np.float32)
    lengths = draw.integers(0, 60, 400)
    indices, indptr = draw.integers(0, 500, lengths.sum()), np.concatenate(([0], np.cumsum(lengths)))
    assert len(indices) > MANY
    together = summed(table, indices, indptr)
    alone = [summed(table, indices[a:b], np.array([0, b - a]))[0] for a, b in zip(indptr, indptr[1:], strict=False)]
    np.testing.assert_array_equal(together, alone)


def test_a_passage_outlives_the_numbering_it_was_cut_under(model: Model) -> None:
    """When the cache was thinned out since, the words of a passage are looked up anew by its text."""
    vocabulary = model.vocabulary
    texts = [f"Kommunen prøvde en app{i} for hjemmetjenesten nr. {i}." for i in range(300)]
    cut_before = passages(texts, vocabulary.chunks)
    expected = vocabulary.count(vocabulary.find(cut_before))
    known: Known = vocabulary._known
    known.keep(len(known.chunks) // 2)
    assert (vocabulary.count(vocabulary.find(cut_before)) != expected).nnz == 0
