# What every stage's image begins with: a user, and the libraries that all stages need.
# `make images` builds this image and those of the stages; by hand, from the root:
#   docker build -f components/base.Dockerfile -t nephele/base .
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}

RUN useradd --create-home --uid 1000 nephele && install --directory --owner nephele /nephele
WORKDIR /nephele

# Libraries before sources: a change in a source must not install them again. The sources
# are found by path; installed without them, nephele is the list of what it needs.
COPY pyproject.toml constraints.txt LICENSE ./
RUN pip install --no-cache-dir -c constraints.txt ".[tracking,fields]"
ENV PYTHONPATH=/nephele/src:/nephele PYTHONUNBUFFERED=1
