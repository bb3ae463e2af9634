"""Whose turn it is."""

from penstock.group.turns import Head, Turns
from penstock.job import QueueKey


def head(type: str, priority: int = 500, domain: str = "d") -> Head:
    return Head("main", QueueKey(domain, type), priority)


def shares(turns: Turns, heads: list[Head], slots: int) -> dict[str, int]:
    return {str(share.queue): share.limit for share in turns.share(heads, slots)}


def test_the_highest_head_takes_all_the_slots() -> None:
    assert shares(Turns(), [head("low", 100), head("high", 800)], 10) == {"d/high": 10}


def test_the_highest_queue_gives_nothing_that_comes_after_another_queues_head() -> None:
    [share] = Turns().share([head("low", 100), head("high", 800), head("middle", 300)], 10)

    assert share.floor == 301


def test_a_single_queue_has_no_floor() -> None:
    [share] = Turns().share([head("only", 800)], 10)

    assert share.floor == 0


def test_equal_heads_share_the_slots() -> None:
    assert shares(Turns(), [head("a"), head("b")], 10) == {"d/a": 5, "d/b": 5}


def test_a_rest_goes_to_the_longest_unserved() -> None:
    turns = Turns()
    turns.served(head("a").place)

    assert shares(turns, [head("a"), head("b")], 3) == {"d/a": 1, "d/b": 2}


def test_one_slot_goes_round() -> None:
    turns = Turns()
    seen = []

    for _ in range(6):
        [share] = turns.share([head("a"), head("b"), head("c")], 1)
        turns.served(share.place)
        seen.append(share.queue.type)

    assert seen == ["a", "b", "c", "a", "b", "c"]


def test_domains_share_before_their_queues_do() -> None:
    heads = [head("a", domain="noisy"), head("b", domain="noisy"), head("c", domain="quiet")]

    assert shares(Turns(), heads, 4) == {"noisy/a": 1, "noisy/b": 1, "quiet/c": 2}


def test_a_domain_of_many_queues_does_not_come_twice_in_a_round() -> None:
    turns = Turns()
    heads = [head("a", domain="noisy"), head("b", domain="noisy"), head("c", domain="quiet")]
    seen = []

    for _ in range(4):
        [share] = turns.share(heads, 1)
        turns.served(share.place)
        seen.append(str(share.queue))

    assert seen == ["noisy/a", "quiet/c", "noisy/b", "quiet/c"]


def test_queues_of_the_same_name_in_two_stores_take_turns() -> None:
    """As callbacks have: one in each store."""
    turns = Turns()
    key = QueueKey("d", "callback")
    seen = []

    for _ in range(4):
        [share] = turns.share([Head("one", key, 500), Head("two", key, 500)], 1)
        turns.served(share.place)
        seen.append(share.store)

    assert seen == ["one", "two", "one", "two"]


def test_nothing_is_shared_without_slots_or_heads() -> None:
    assert list(Turns().share([], 5)) == []
    assert list(Turns().share([head("a")], 0)) == []
