"""Where types live, and stores of no use."""

from penstock.doctor.configuration import lives_in, unused_stores
from penstock.examination import Level
from penstock.settings import QueueSettings, Settings, StoreSettings

SETTINGS = Settings(
    stores={
        "main": StoreSettings(url="memory://"),
        "east": StoreSettings(url="memory://", number=1),
        "west": StoreSettings(url="memory://", number=2),
        "wide": StoreSettings(partitions={"east": 1, "west": 0}),
        "spare": StoreSettings(url="memory://", number=3),
    },
    queues={
        "default": QueueSettings(store="main"),
        "mail": QueueSettings(store="wide"),
        "report": QueueSettings(),
    },
)


def test_a_type_lives_where_its_section_says_or_in_the_partitions_of_that() -> None:
    types = ["mail", "report", "anything", "callback"]
    homes = {store: lives_in(SETTINGS, store) for store in ("main", "east", "west", "spare")}

    assert {name: [type for type in types if lives(type)] for name, lives in homes.items()} == {
        "main": ["report", "anything", "callback"],
        "east": ["mail", "callback"],
        "west": ["mail", "callback"],
        "spare": ["callback"],
    }


def test_a_store_in_which_nothing_lives_is_told() -> None:
    [told] = unused_stores(SETTINGS)

    assert told.store == "spare"
    assert told.finding.level is Level.ADVICE
    assert 'store = "spare"' in told.finding.change
    assert list(unused_stores(Settings(stores={"main": StoreSettings(url="memory://")}))) == []
