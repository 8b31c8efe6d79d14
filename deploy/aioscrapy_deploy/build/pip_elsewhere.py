"""Run pip for another platform or Python. Run as a script: python -P pip_elsewhere.py MARKERS ARGUMENT...

pip's own --platform and --python-version choose the wheels, but `; sys_platform == "win32"` and its like it
asks of the Python that runs it, and would leave out what is needed there. MARKERS is JSON: name -> value.
"""

import json
import runpy
import sys


def main() -> None:
    """Let pip see the markers of there, and make sure that it does, then run it."""
    there = json.loads(sys.argv.pop(1))
    from pip._vendor.packaging import markers

    here = markers.default_environment
    markers.default_environment = lambda: {**here(), **there}
    if not all(markers.Marker(f"{name} == '{value}'").evaluate() for name, value in there.items()):
        sys.exit("ERROR: this pip can't resolve for another platform; take another version of it")
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
