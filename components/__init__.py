"""The stages of the pipeline, one folder a stage: each reads, calls the science, writes."""

import os

# Before torch is imported: threads that wait must not spin. A spinning one takes the core from
# a process beside it, and on a shared machine the training collapses. A value set outside stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
