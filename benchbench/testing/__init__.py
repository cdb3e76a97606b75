"""The plugin contract, executable: run these over your own task or model.

Each check looks at everything it can and raises one ContractError that lists all that is wrong::

    def test_contract():
        check_task(load_task("my-task"), DATA_ROOT)
        check_model(load_model("my-model"))
"""

from benchbench.testing.models import CAPTIONS, SIZES, Check, check_model, model_checks
from benchbench.testing.tasks import check_task

__all__ = ["CAPTIONS", "SIZES", "Check", "check_model", "check_task", "model_checks"]
