"""NetCDF among threads: the library below takes one call at a time, or the process dies."""

import threading

LOCK = threading.Lock()
