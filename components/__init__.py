"""The stages of the pipeline, one folder a stage: each reads, calls the science, writes."""
