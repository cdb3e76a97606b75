"""ScenarioCLIP's annotated images (arXiv 2511.20274)."""

from benchbench.datasets.manifest import Dataset, File
from benchbench.types import Content

DATASET = Dataset(
    name="scenarioclip",
    title="ScenarioCLIP",
    licence="of the images that its files name",
    citation="ScenarioCLIP, arXiv 2511.20274",
    homepage="https://github.com/scenario-clip/ScenarioCLIP",
    files=(
        File("metadata_test.json", content=Content(fields={"data": None})),
        File(
            "classes.json",
            content=Content(fields={"actions": 364, "objects": 11_572, "relations": 84_018}),
        ),
    ),
    tasks=("scenario-retrieval", "scenario-classification"),
    access="manual",
    how="Its authors publish code and no files: make them with utils/combine.py of it, then type: "
    "benchbench data import DIR",
)
