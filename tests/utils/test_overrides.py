"""Fields of nested dataclasses: changed by name, read from dicts, compared. tests/test_config.py has every message."""

import dataclasses

import pytest

from ssgan_tf.utils import overrides


@dataclasses.dataclass(frozen=True)
class Item:
    size: int = 1
    share: float = 0.5

    def __post_init__(self):
        if self.size < 0:
            raise ValueError("size: expected 0 or more.")


@dataclasses.dataclass(frozen=True)
class Root:
    item: Item = Item()
    items: tuple[Item, ...] = (Item(), Item(2))
    names: tuple[str, ...] = ()


def test_a_name_without_a_number_changes_all_items_of_a_tuple() -> None:
    changed = overrides.change(Root(), ["items.share=1", "items.1.size=7", "item.size=3"])
    assert changed == Root(item=Item(3), items=(Item(1, 1.0), Item(7, 1.0)))


def test_a_changed_dataclass_is_validated_again() -> None:
    with pytest.raises(ValueError, match="^size: expected 0 or more"):
        overrides.change(Root(), ["items.0.size=-1"])


def test_the_dict_of_a_dataclass_gives_it_back() -> None:
    root = Root(item=Item(5, 1.0), items=(Item(3),), names=("a", "b"))
    assert overrides.from_dict(Root, dataclasses.asdict(root), "root") == root
    assert overrides.from_dict(Root, {}, "root") == Root()


def test_unknown_fields_and_types_are_refused_by_their_dotted_name() -> None:
    with pytest.raises(ValueError, match=r"^root.item: expected one of .*'root.item.siez'. Did you mean 'size'\?"):
        overrides.from_dict(Root, {"item": {"siez": 3}}, "root")
    with pytest.raises(ValueError, match="^root.items.1.size: expected int. Received: 1.5"):
        overrides.from_dict(Root, {"items": [{}, {"size": 1.5}]}, "root")


def test_differences_go_into_lists_of_equal_length_only() -> None:
    first = {"a": 1, "list": [{"b": 1}, {"b": 2}], "only": 3}
    second = {"a": 1, "list": [{"b": 1}, {"b": 5}]}
    assert list(overrides.differences(first, second)) == [("list.1.b", 2, 5), ("only", 3, None)]
    shorter = {**second, "list": [{"b": 1}]}
    assert ("list", first["list"], shorter["list"]) in list(overrides.differences(first, shorter))
