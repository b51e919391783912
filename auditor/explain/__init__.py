"""`auditor explain`: heatmaps, feature maps, Grad-CAM by layer, what filters look for, and their pages.

Example:
    >>> explain(Request(source=Path("cat.jpg"), settings=Settings(data=Path("cat.jpg"))), Progress())
    Path('reports/explain/cat/index.html')
"""

from auditor.explain.request import Request
from auditor.explain.run import explain, layer_table

__all__ = ["Request", "explain", "layer_table"]
