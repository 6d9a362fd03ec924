"""Where data come from: one module a source, each of which speaks its protocol and no other.

Nothing here knows of readers or of the contract; `components.acquire.download` says what is needed.
"""
