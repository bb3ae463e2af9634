"""The text that names a claim: it comes back as what it was, and nothing else is taken for one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from itertools import pairwise

import pytest

from penstock.engines.memory import MemoryEngine
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import Registry
from penstock.job import ClaimRef, JobId
from penstock.policy import Policies, Policy
from penstock.remote import token

SECOND_STORE = 10**13


def group_of(*engines: MemoryEngine) -> QueueGroup:
    policies = Policies(Policy())
    stores = {str(n): Store(str(n), one, policies, Events()) for n, one in enumerate(engines)}
    return QueueGroup(stores, default="0", policies=policies, registry=Registry())


@pytest.fixture
def group() -> QueueGroup:
    """Two stores, with the numbers 0 and 1."""
    return group_of(MemoryEngine(), MemoryEngine(number=1))


def written(group: QueueGroup, id: int, fence: int) -> str:
    return token.write(ClaimRef(JobId(id), fence), group.store_of(JobId(id)))


@pytest.mark.parametrize("id", [1, SECOND_STORE - 1, SECOND_STORE + 1, 2 * SECOND_STORE - 1])
@pytest.mark.parametrize("fence", [1, 2**31, 2**63 - 1])
def test_what_was_written_is_read(id: int, fence: int, group: QueueGroup) -> None:
    text = written(group, id, fence)

    assert token.read(text, group) == (group.store_of(JobId(id)), ClaimRef(JobId(id), fence))
    assert text.isascii()
    assert len(text) == 32


def test_two_claims_have_two_texts(group: QueueGroup) -> None:
    texts = [written(group, id, fence) for id in (1, 2, SECOND_STORE + 1) for fence in (1, 2)]

    assert len(set(texts)) == len(texts)


def test_a_text_of_another_installation_is_none(group: QueueGroup) -> None:
    other = group_of(MemoryEngine(), MemoryEngine(number=1))

    assert token.read(written(other, 1, 1), group) is None


def test_a_text_of_a_store_that_is_not_there_is_none(group: QueueGroup) -> None:
    third = group_of(MemoryEngine(number=2))

    assert token.read(written(third, 2 * SECOND_STORE + 1, 1), group) is None


def test_a_text_with_any_letter_changed_is_none(group: QueueGroup) -> None:
    text = written(group, 4711, 3)

    for place in range(len(text)):
        letter = "A" if text[place] != "A" else "B"
        assert token.read(text[:place] + letter + text[place + 1 :], group) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "A" * 31,
        "A" * 32,
        "A" * 33,
        "A" * 100_000,
        "=" * 32,
        "é" * 32,
        "A" * 31 + "\n",
        "1",
    ],
)
def test_a_text_that_nobody_wrote_is_none(text: str, group: QueueGroup) -> None:
    assert token.read(text, group) is None


def test_a_whole_text_is_needed(group: QueueGroup) -> None:
    text = written(group, 1, 1)

    wrong = [text + "=", text + "\n", " " + text, text[:-1], text + text, text.swapcase()]
    assert [token.read(one, group) for one in wrong] == [None] * len(wrong)


def test_a_fence_that_no_store_could_hold_is_none_even_with_the_right_mark(
    group: QueueGroup,
) -> None:
    claim = urlsafe_b64decode(written(group, 1, 1))[:8] + b"\xff" * 8
    uuid = group.stores["0"].engine.identity.uuid.encode()
    forged = claim + blake2b(claim, key=uuid, digest_size=8).digest()

    assert token.read(urlsafe_b64encode(forged).decode(), group) is None


def test_the_mark_depends_on_the_whole_claim(group: QueueGroup) -> None:
    marks = [urlsafe_b64decode(written(group, 1, fence))[16:] for fence in range(1, 100)]

    assert all(one != other for one, other in pairwise(marks))
