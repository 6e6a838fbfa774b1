"""What a run came to, as pictures, a page and a few lines, from the files in its directory."""

from pdas.report.convergence import plot_convergence
from pdas.report.describe import summary_rows
from pdas.report.page import write_report
from pdas.report.samples import draw_samples

__all__ = [
    "draw_samples",
    "plot_convergence",
    "summary_rows",
    "write_report",
]
