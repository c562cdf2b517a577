"""The book's figures: one function each, from tidy tables to a matplotlib figure.

They show means over seeds with 95 % intervals, single seeds as small marks, and the paper's values as hollow marks
or dashed lines. `style` says how they look.
"""

from invariance.figures.factors import (
    factor_levels,
    factor_panels,
    factor_summaries,
    factor_summary,
    learning_rates,
)
from invariance.figures.ledger import claims_overview
from invariance.figures.measuring import distances, sensitivity_bars
from invariance.figures.mismatch import mismatch_cost, mismatch_curves, mismatch_map, mismatch_maps
from invariance.figures.pictures import contact_sheet, picture_grid
from invariance.figures.relevance import (
    relevance_accuracy,
    relevance_correlation,
    relevance_sensitivity,
    relevance_sweep,
)
from invariance.figures.style import use_book_style
from invariance.figures.transfer import transfer_bars, transfer_map, transfer_maps

__all__ = [
    "claims_overview",
    "contact_sheet",
    "distances",
    "factor_levels",
    "factor_panels",
    "factor_summaries",
    "factor_summary",
    "learning_rates",
    "mismatch_cost",
    "mismatch_curves",
    "mismatch_map",
    "mismatch_maps",
    "picture_grid",
    "relevance_accuracy",
    "relevance_correlation",
    "relevance_sensitivity",
    "relevance_sweep",
    "sensitivity_bars",
    "transfer_bars",
    "transfer_map",
    "transfer_maps",
    "use_book_style",
]
