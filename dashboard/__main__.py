"""``python -m dashboard [--port N]``: serve the dashboard of the database that ``ORCHESTRATOR_DB`` names."""

import argparse
import os
import sys

from dashboard import start


def main() -> int:
    """Serve until Ctrl-C; exit code 2 when the port is in use, or a proxy is named that cannot be one."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--port", type=int, help=f"port on {start.ADDRESS}; default: the first free from 8501 on")
    asked = parser.parse_args().port
    try:
        return start.run(os.environ.get(start.VARIABLE) or start.DEFAULT_URL, asked)
    except (start.PortTakenError, start.HostNameError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
