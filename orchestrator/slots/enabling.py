"""How a worker program is started behind scripts that set up its environment, such as those of the Poplar SDK.

The scripts are sourced by bash, one after the other, and then bash becomes the interpreter. They neither see the orders
on the standard input nor can they print among the reports on the standard output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Arguments: the directory to import from first, the scripts, ``--``, the command. Nothing is ever put into this text,
#: so that no path can be misread; the names are ours, since the scripts may use any others.
_SCRIPT = r"""
frontsweep_path=$1
shift
frontsweep_scripts=()
while [ "$1" != -- ]; do
  frontsweep_scripts+=("$1")
  shift
done
shift
frontsweep_command=("$@")
set --
for frontsweep_script in "${frontsweep_scripts[@]}"; do
  if [ ! -r "$frontsweep_script" ] || [ -d "$frontsweep_script" ]; then
    echo "slots.ipu.enable: $frontsweep_script is not there, or cannot be read" >&2
    exit 1
  fi
  trap 'echo "slots.ipu.enable: $frontsweep_script failed with exit code $?; what it printed is above" >&2' EXIT
  source "$frontsweep_script" </dev/null >&2
  frontsweep_code=$?
  set +eu
  [ "$frontsweep_code" = 0 ] || exit "$frontsweep_code"
  trap - EXIT
done
if ! command -v -- "${frontsweep_command[0]}" >/dev/null; then
  echo "slots.ipu.python: ${frontsweep_command[0]} is no program that can be run" >&2
  exit 1
fi
export PYTHONPATH="$frontsweep_path${PYTHONPATH:+:$PYTHONPATH}"
exec "${frontsweep_command[@]}"
"""


def enabled_command(command: Sequence[str], scripts: Sequence[str], import_from: Path) -> list[str]:
    """Return the command line that sources scripts before it becomes a command.

    Args:
        command: The interpreter and its arguments.
        scripts: Absolute paths; what they print goes to the standard error.
        import_from: Directory that comes first in ``PYTHONPATH``, whatever the scripts put there.
    """
    return ["bash", "-c", _SCRIPT, "frontsweep", str(import_from), *scripts, "--", *command]
