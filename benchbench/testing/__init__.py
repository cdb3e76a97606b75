"""The plugin contract as executable checks, for a caller's own task or model.

Each function runs all its checks and raises one ContractError that lists all problems::

    def test_contract():
        check_task(load_task("my-task"), DATA_ROOT)
        check_model(load_model("my-model"))
"""

from benchbench.testing.models import CAPTIONS, SIZES, Check, check_model, model_checks
from benchbench.testing.tasks import check_task

__all__ = ["CAPTIONS", "SIZES", "Check", "check_model", "check_task", "model_checks"]
