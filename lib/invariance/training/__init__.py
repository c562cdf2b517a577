"""Pretraining, features, linear probes and fine-tuning.

`training.fit.fit` is imported by who trains, not here: Lightning takes seconds to load.
"""

from invariance.datasets.devices import cores, pick_device, threads
from invariance.training.finetuning import finetune
from invariance.training.inference import accuracy, features
from invariance.training.probe import linear_probe, linear_probes

__all__ = ["accuracy", "cores", "features", "finetune", "linear_probe", "linear_probes", "pick_device", "threads"]
