"""Attributions: which pixels and patches a prediction rests on. The only importer of captum, which does the methods.

Every method runs on a score of its own (`attribution_score.Score`), never on the model's modules: where captum hangs
hooks on modules it gets private ones, so threads may share a model and nothing is left on it.
"""

from __future__ import annotations
