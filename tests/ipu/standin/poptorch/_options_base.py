"""Settings with checked names and types that freeze once they are used."""

import copy
from typing import Any, Dict


class OptionsDict:
    """Options of which only those known from the start can be set, each to a value of its type."""

    def __init__(self, **default_values: Any) -> None:
        object.__setattr__(self, "_is_frozen", False)
        object.__setattr__(self, "_values", dict(default_values))

    def checkIsFrozen(self, option: Any = None) -> None:
        if self.__dict__.get("_is_frozen", False) and option != "_is_frozen":
            raise AttributeError("Can't modify frozen Options")

    def set(self, **kwargs: Any) -> None:
        self.checkIsFrozen()
        for option, value in kwargs.items():
            self._check_known(option)
            expected = type(self._values[option])
            assert isinstance(value, expected), (
                f"Unexpected type {type(value)} for option {option}. Expected {expected}"
            )
            self._values[option] = value

    def createOrSet(self, **kwargs: Any) -> None:
        self.checkIsFrozen()
        for option, value in kwargs.items():
            if option in self._values:
                self.set(**{option: value})
            else:
                self._values[option] = value

    def exists(self, option: str) -> bool:
        return option in self._values

    def toDict(self) -> Dict[str, Any]:
        return dict(self._values)

    def __getattr__(self, option: str) -> Any:
        if option.startswith("_"):
            raise AttributeError(option)
        self._check_known(option)
        return self._values[option]

    def __setattr__(self, option: str, value: Any) -> None:
        self.checkIsFrozen(option)
        if option.startswith("_"):
            object.__setattr__(self, option, value)
        else:
            self.set(**{option: value})

    def __deepcopy__(self, memory: Dict[int, Any]) -> Any:
        made = type(self).__new__(type(self))
        memory[id(self)] = made
        for key, value in self.__dict__.items():
            object.__setattr__(made, key, False if key == "_is_frozen" else copy.deepcopy(value, memory))
        return made

    def __getstate__(self) -> Dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _freeze(self) -> None:
        object.__setattr__(self, "_is_frozen", True)
        for value in self.__dict__.values():
            if isinstance(value, OptionsDict):
                value._freeze()

    def _check_known(self, option: str) -> None:
        assert self.exists(option), f"Invalid option {option}, valid options are {self._values.keys()}"
