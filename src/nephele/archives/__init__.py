"""Readers: one module a source, from the files of an archive to the contract."""
