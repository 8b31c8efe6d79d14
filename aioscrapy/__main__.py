"""`python -m aioscrapy` is the command `aioscrapy`."""

import sys

from aioscrapy.cmdline import main

sys.exit(main())
