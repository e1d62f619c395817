import re

from tests.docs.pages import CHECKOUT

ROOM = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def rooms() -> set[str]:
    return set(ROOM.findall((CHECKOUT / "CONTRIBUTING.md").read_text()))


def test_every_room_that_contributors_are_told_of_exists() -> None:
    assert {room for room in rooms() if not (CHECKOUT / room).exists()} == set()


def test_contributors_are_told_of_every_package_of_the_library() -> None:
    packages = {f"{found.parent.relative_to(CHECKOUT)}/" for found in CHECKOUT.glob("src/portable/*/*.py")}
    assert packages - rooms() == set()
