"""The differences between Linux, macOS and Windows, one small module per subject.

Differences are decided inside functions by `sys.platform`, so that mypy checks each branch for its system and a test
can take another system's branch with that system's calls replaced.
"""
