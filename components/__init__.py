"""The stages of the pipeline, one folder a stage: each reads, calls the science, writes."""

import os

# Before torch is imported: threads that wait must not spin for long. A spinning one takes the
# core from a process beside it, and on a shared machine the training collapses; one that does not
# spin at all wakes late for each of the many small operations. A value set outside stays.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
