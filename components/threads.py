"""Set before torch is imported: threads that wait must not spin.

A spinning thread takes the core from a process beside it; on a shared machine the
training then collapses. Whoever knows better sets the variable himself.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
