from common.config import GPU

if GPU:
    import cupy as np  # never installed here
else:
    import numpy as np
