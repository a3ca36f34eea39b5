"""Churn: probability of no order (of not being subscribed) in the days after a moment, and why.

One fixed recipe, judged on past moments against a constant, recency alone and the closed form. The model card is
docs/models/churn.md.
"""

from outside_in.churn.evaluation import backtest, calibrate, choose, drift, evaluate, weigh_features
from outside_in.churn.scoring import Scorer, score_relation

__all__ = [
    "Scorer",
    "backtest",
    "calibrate",
    "choose",
    "drift",
    "evaluate",
    "score_relation",
    "weigh_features",
]
