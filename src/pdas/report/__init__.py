"""What a run came to, as pictures, a page and a few lines, from the files in its directory."""

from pdas.report.convergence import plot_convergence
from pdas.report.describe import summary_rows
from pdas.report.drawing import draw_cells
from pdas.report.page import write_report

__all__ = ["draw_cells", "plot_convergence", "summary_rows", "write_report"]
