"""Why a model says what it says about an image: heatmaps, feature maps, Grad-CAM by layer, what filters look for.

Example:
    >>> explain(Request(source=Path("cat.jpg"), settings=Settings(data=Path("cat.jpg"))), Progress())
    Path('reports/explain/cat/index.html')
"""

from auditor.explain.request import Request
from auditor.explain.run import explain, layer_table

__all__ = ["Request", "explain", "layer_table"]
