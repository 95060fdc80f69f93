"""Entries of lists as an update compares them: told by their key, by what they say, and each list read once."""

from __future__ import annotations

from operator import eq, ne

from webhook.policy.engine.namesakes import Namesakes


class Read(list[object]):
    """A list that counts how often it is gone through."""

    times = 0

    def __iter__(self) -> object:  # type: ignore[override]
        self.times += 1
        return super().__iter__()


def test_an_entry_is_where_the_only_one_with_its_key_is() -> None:
    known, items = Namesakes(), [{"name": "a"}, {"name": "b"}]
    assert [known.number({"name": name}, items, "name") for name in ("b", "a")] == [1, 0]


def test_an_entry_is_nowhere_if_it_has_no_key_another_one_or_one_that_two_have() -> None:
    known, items = Namesakes(), [{"name": "a"}, {"name": "a"}, {"name": "a"}, {"name": "b"}, {"name": ["c"]}, {}, "d"]
    for entry in ({"name": "a"}, {"name": "c"}, {"name": ["c"]}, {"name": None}, {}, "d"):
        assert known.number(entry, items, "name") is None


def test_a_list_holds_what_says_the_same_in_any_order_of_names_and_nothing_else() -> None:
    known, items = Namesakes(), [{"a": 1, "b": [1]}]
    assert known.holds(items, {"b": [1], "a": 1})
    assert not any(known.holds(items, entry) for entry in ({"a": 1}, {"a": True, "b": [1]}, {"a": 1, "b": [2]}))


def test_a_list_is_read_once_however_many_entries_are_looked_for() -> None:
    known, items = Namesakes(), Read({"name": f"n{number}"} for number in range(8))
    for number in range(8):
        assert known.number({"name": f"n{number}"}, items, "name") == number
    assert items.times == 1
    assert all(known.holds(items, {"name": f"n{number}"}) for number in range(8))
    assert items.times == 2


def test_two_things_are_compared_once_in_each_way() -> None:
    known, one, other, like = Namesakes(), [1], [2], [1]
    asked: list[object] = []

    def same(new: object, old: object) -> bool:
        asked.append((new, old))
        return bool(eq(new, old))

    assert [known.pair(one, like, same) for _ in range(3)] == [True] * 3
    assert asked == [(one, like)]
    assert not known.pair(one, other, same)
    assert not known.pair(other, like, same)
    assert not known.pair(one, like, ne)
