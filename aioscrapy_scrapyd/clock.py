"""The clock of the machine, which somebody may set while a node runs."""

import time

# Seconds by which the clock differs from the time that has passed before it counts as set; NTP slews less.
TOLERANCE_S = 1.0


class Clock:
    """Tells when the clock was set, by the time that has passed since the last look."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def jump(self) -> float:
        """Return by how many seconds the clock was set since the last look; 0.0 if it was not."""
        offset = time.time() - time.monotonic()
        jump, self._offset = offset - self._offset, offset
        return jump if abs(jump) > TOLERANCE_S else 0.0
